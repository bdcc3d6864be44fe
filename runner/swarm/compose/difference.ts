// Finds the services that differ between two versions of an app, by what each version asks of the engine. Pure. Labels
// under `deploy` are ignored, because changing them restarts no container.

import { z } from 'zod';
import { canonicalJson } from '../../../state/entry/digest.ts';
import type { AdmittedApp } from '../app/app.ts';

const Document = z.looseObject({
  services: z.record(z.string(), z.looseObject({ deploy: z.looseObject({}).optional() })),
});

/** The names of the services of `after` that are new or differ from `before`. */
export function changedServices(before: AdmittedApp, after: AdmittedApp): string[] {
  const [was, is] = [containersOf(before), containersOf(after)];
  return Object.keys(is).filter((name) => was[name] !== is[name]);
}

function containersOf({ document }: AdmittedApp): Record<string, string> {
  const { services } = Document.parse(JSON.parse(document));
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => {
      const { labels: _, ...deploy } = (service.deploy ?? {}) as Record<string, unknown>;
      return [name, canonicalJson({ ...service, deploy } as never)];
    }),
  );
}
