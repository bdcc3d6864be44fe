// A process that deploys a small stack and stays, for tests that kill it. Usage: node deployer.ts <socket> <run>
// <image> <runDir>. Holds the run's lock. Prints a line once Swarm has accepted the stack.

import { setInterval } from 'node:timers';
import { openDocker } from '../../../runner/swarm/engine/docker.ts';
import { stackOf } from '../../../runner/swarm/engine/place.ts';
import { writeIntent } from '../../../runner/swarm/stack/intents.ts';
import { lockRun } from '../../../runner/swarm/stack/runLock.ts';
import { openStack } from '../../../runner/swarm/stack/stack.ts';
import { plantWitnesses } from '../../../runner/swarm/stack/witness.ts';
import { RunId } from '../../../state/entry/ids.ts';
import { admitted, labelsOf, untilTerm } from './smallApp.ts';

const [, , socket = '', id = '', image = '', runDir = ''] = process.argv;
const run = RunId.parse(id);
const names = { run, stack: stackOf(run), domain: 'app.test' };
const labels = labelsOf(run);
const network = `${names.stack}_proxy`;
setInterval(() => {}, 60_000);
await lockRun(run);
const docker = openDocker(socket);
const stack = openStack(docker, {
  names,
  labels,
  network,
  secrets: new Map([['key', 'value']]),
  signal: new AbortController().signal,
  intend: (what) => writeIntent(runDir, what),
});
await plantWitnesses(docker, run);
const secrets = [{ key: 'key', name: `${names.stack}_key_v1`, length: 5 }];
const services = { app: { image, command: untilTerm(), volumes: ['data:/data'] } };
const { failed } = await stack.deploy(admitted({ names, labels, network }, services, { secrets }));
process.stdout.write(`${failed ?? 'deployed'}\n`);
