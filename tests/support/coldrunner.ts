// A process that starts a cold run whose stage never ends, for tests that kill it. Usage: node coldrunner.ts <stateDir>
// <hub> <sha> <run> <mark>. Prints `ready` once the stage runs `sleep <mark>` in two processes, one
// of them in a session of its own.

import { join } from 'node:path';
import { bubblewrap } from '../../runner/box/bubblewrap.ts';
import { coldRun } from '../../runner/run/coldrun.ts';
import { pinRecipe } from '../../runner/run/pinned.ts';
import { processEngine } from '../../runner/run/process.ts';
import { RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import { Recipe } from '../../state/entry/recipe.ts';

const [, , stateDir = '', hub = '', sha = '', run = '', mark = ''] = process.argv;
const result = await bubblewrap({ stateDir });
if ('missing' in result) throw new Error(result.missing.join('; '));
const runsDir = join(stateDir, 'runs');
const engine = processEngine({ sandbox: result.sandbox, selfTest: null, runsDir, tools: [], hosts: [] });
const stage = { name: 'test', run: `setsid sleep ${mark} & echo ready; sleep ${mark}` };
const recipe = Recipe.parse({ setup: { name: 'install', run: 'touch made' }, stages: [stage], tests: ['test/**'] });
const { pinned, blobs } = pinRecipe(RecipeName.parse('app'), recipe, () => null);
await coldRun(
  {
    run: RunId.parse(run),
    purpose: { kind: 'trial', by: 'operator' },
    pinned,
    harnessFiles: blobs,
    hub,
    sha: Sha.parse(sha),
    keepSnapshot: true,
  },
  {
    engine,
    runsDir,
    now: () => new Date(),
    signal: new AbortController().signal,
    onProgress: (progress) => progress.kind === 'line' && process.stdout.write(`${progress.line}\n`),
  },
);
