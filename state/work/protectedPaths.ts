// Which protected paths a claim changes: read from git when the claim is made, and again by the audit.

import picomatch from 'picomatch';
import { touchesMax } from '../entry/entry.ts';
import type { Sha } from '../entry/ids.ts';
import { type PhaseSpec, protectedBy } from '../entry/spec.ts';
import { changedPaths } from '../git/git.ts';

/** Protected paths that differ from the phase's base, at most `touchesMax`. */
export async function protectedChanges(hub: string, spec: PhaseSpec, base: Sha, sha: Sha): Promise<string[]> {
  const isProtected = picomatch(protectedBy(spec), { dot: true });
  const changed = (await changedPaths(hub, base, sha)).map(({ path }) => path);
  return changed.filter((path) => isProtected(path)).slice(0, touchesMax);
}
