// Which services another version of an app changes, judged by what both ask of the engine. Pure. Labels of the service
// itself do not count: changing them restarts no container.

import { z } from 'zod';
import { canonicalJson } from '../../../state/entry/digest.ts';
import type { AdmittedApp } from '../app/app.ts';

const Document = z.looseObject({
  services: z.record(z.string(), z.looseObject({ deploy: z.looseObject({}).optional() })),
});

/** Names of the services of `after` that are new or differ from `before`. */
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
