// Where a run's files are, in `runs/<run>/` of the state folder. Boxed code writes only `tree`, `copy` and `out`;
// everything else is the supervisor's own. Pure.

import { join } from 'node:path';
import type { RunId } from '../../state/entry/ids.ts';

export type RunPaths = ReturnType<typeof runPaths>;

export function runPaths(runsDir: string, run: RunId) {
  const dir = join(runsDir, run);
  return {
    dir,
    /** Written before anything else of the run. */
    intent: join(dir, 'intent.json'),
    tree: join(dir, 'tree'),
    /** A copy of the tree after setup, and the commit and recipe that it is a copy of. */
    copy: join(dir, 'copy'),
    copyFacts: join(dir, 'copy.json'),
    logs: join(dir, 'logs'),
    /**
     * For an app: the socket through which its suite reaches it, the folder for its reports, and, after a red rung,
     * what its services looked like.
     */
    app: join(dir, 'app'),
    out: join(dir, 'out'),
    evidence: join(dir, 'evidence'),
    results: join(dir, 'results.json'),
  } as const;
}
