// A process that takes an app up its rungs, for tests that kill it. Usage: node appRunner.ts <stateDir> <socket> <app
// as JSON> <run>. Prints one line per event.

import { join } from 'node:path';
import { bubblewrap } from '../../../runner/box/bubblewrap.ts';
import { openEngine } from '../../../runner/engines.ts';
import { coldRun } from '../../../runner/run/coldrun.ts';
import { RunId } from '../../../state/entry/ids.ts';
import { appRequest } from './apps.ts';

const [, , stateDir = '', socket = '', app = '', run = ''] = process.argv;
const result = await bubblewrap({ stateDir });
if ('missing' in result) throw new Error(result.missing.join('; '));
const runsDir = join(stateDir, 'runs');
const engine = openEngine({ sandbox: result.sandbox, selfTest: null, runsDir, tools: [], hosts: [], docker: socket });
const stop = new AbortController();
process.on('SIGINT', () => stop.abort());
const record = await coldRun(
  { ...(await appRequest(JSON.parse(app))), run: RunId.parse(run) },
  {
    engine,
    runsDir,
    now: () => new Date(),
    signal: stop.signal,
    onProgress: (progress) => process.stdout.write(`${JSON.stringify(progress)}\n`),
  },
);
process.stdout.write(
  `${JSON.stringify({ kind: 'record', outcome: record.outcome, reason: record.reason, app: record.app })}\n`,
);
await result.sandbox.close();
