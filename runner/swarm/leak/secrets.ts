// Generates the secrets of a run. They are unique to the run, and long enough that a match anywhere means a leak.

import { randomBytes } from 'node:crypto';
import type { Need } from '../../../state/entry/recipe.ts';
import type { AdmittedApp } from '../app/app.ts';
import { secretOf } from './canary.ts';

export type RunSecrets = {
  /** The app's secrets, by key in the compose file. */
  app: Map<string, string>;
  needs: Record<string, Map<string, string>>;
  /** All secrets, by unambiguous names, for the leak search. */
  all: Map<string, string>;
};

/** Each key has one value, the same in every version of the app; a secret that a need shares has the app's value. */
export function secretsFor(
  versions: readonly AdmittedApp[],
  needs: readonly { name: string; need: Need; app: AdmittedApp }[],
): RunSecrets {
  const app = new Map<string, string>();
  for (const { key, length } of versions.flatMap(({ secrets }) => secrets)) {
    if ((app.get(key)?.length ?? 0) < length) app.set(key, secretOf(length, randomBytes));
  }
  const all = new Map(app);
  const ofNeeds = needs.map(({ name, need, app: needed }): [string, Map<string, string>] => {
    const values = needed.secrets.map(({ key, length }): [string, string] => [
      key,
      app.get(need.shares[key] ?? '') ?? secretOf(length, randomBytes),
    ]);
    for (const [key, value] of values) if (need.shares[key] === undefined) all.set(`${name}/${key}`, value);
    return [name, new Map(values)];
  });
  return { app, needs: Object.fromEntries(ofNeeds), all };
}
