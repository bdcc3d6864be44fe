// Where a run's things lie, under `runs/<run>/` of the state. Only `tree`, `copy` and `out` are ever written by boxed code; all else
// is the supervisor's own.

import { join } from 'node:path';
import type { RunId } from '../../state/entry/ids.ts';

export type RunPaths = ReturnType<typeof runPaths>;

export function runPaths(runsDir: string, run: RunId) {
  const dir = join(runsDir, run);
  return {
    dir,
    /** Written before anything else is made. */
    intent: join(dir, 'intent.json'),
    tree: join(dir, 'tree'),
    /** A copy of the tree after setup, and what it is a copy of. */
    copy: join(dir, 'copy'),
    copyFacts: join(dir, 'copy.json'),
    logs: join(dir, 'logs'),
    /** Of an app: the socket by which its suite reaches it, and the folder for its reports; and, after a red rung, what its services looked like. */
    app: join(dir, 'app'),
    out: join(dir, 'out'),
    evidence: join(dir, 'evidence'),
    results: join(dir, 'results.json'),
  } as const;
}
