// A process that holds a run's lock until it is killed, for tests that kill it. Usage: node lockHolder.ts <run>. Prints
// a line once it has the lock.

import { setInterval } from 'node:timers';
import { lockRun } from '../../../runner/swarm/stack/runLock.ts';
import { RunId } from '../../../state/entry/ids.ts';

await lockRun(RunId.parse(process.argv[2]));
setInterval(() => {}, 60_000);
process.stdout.write('held\n');
