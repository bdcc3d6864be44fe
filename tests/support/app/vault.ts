// Volumes of a run on the real engine, for tests: the run's names and labels, and containers that fill and list a
// volume. Everything is removed after the test.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import Dockerode from 'dockerode';
import { inject, onTestFinished } from 'vitest';
import type { Labels, RunNames, Vault } from '../../../runner/swarm/app/app.ts';
import { type HelperEnd, type Helpers, helpers } from '../../../runner/swarm/engine/helper.ts';
import { ensureToolsImage } from '../../../runner/swarm/engine/toolsImage.ts';
import { openVault } from '../../../runner/swarm/engine/vault.ts';
import { makeVolume, removeVolume } from '../../../runner/swarm/engine/volumes.ts';
import { lockRun } from '../../../runner/swarm/stack/runLock.ts';
import { RunId } from '../../../state/entry/ids.ts';

/** The tests' engine. If there is none, no suite uses this. */
export const docker = new Dockerode({ socketPath: inject('dockerSocket') ?? '/nowhere' });

export type Yard = {
  names: RunNames;
  labels: Labels;
  image: string;
  /** Creates the volume with this key. */
  volume(key: string): Promise<void>;
  /** Runs a script in a new container that has the volume with this key at `/v`. */
  inside(key: string, script: string): Promise<HelperEnd>;
  /** Removes the containers in which scripts ran: they keep the volumes in use. */
  leave(): Promise<void>;
  /**
   * The content of a volume, as the engine's own archive lists it: owners, modes, times and links; also the digest of
   * each file.
   */
  listing(key: string): Promise<string>;
  open(signal?: AbortSignal): Promise<Vault & { close(): Promise<void> }>;
};

export async function yard(): Promise<Yard> {
  const run = RunId.parse(`r-${randomBytes(6).toString('hex')}`);
  const names: RunNames = { run, stack: `cp${run.slice(2)}`, domain: 'app.test' };
  const labels: Labels = {
    'coldpass.run': run,
    'coldpass.claim': '7',
    'coldpass.attempt': '1',
    'coldpass.expires': '2030-01-01T00:00:00Z',
  };
  // Other users of the engine remove what dead runs left, but spare this run while its lock is held.
  const lock = await lockRun(run);
  const image = await ensureToolsImage(docker);
  const never = new AbortController().signal;
  let hands = openHands();
  const volumes = new Set<string>();
  onTestFinished(async () => {
    await hands.close();
    for (const name of volumes) await removeVolume(docker, name);
    await lock.release();
  });

  function openHands(): Helpers {
    const name = `${names.stack}-${randomBytes(4).toString('hex')}`;
    return helpers({ docker, image, labels, name, signal: never });
  }

  async function inside(key: string, script: string): Promise<HelperEnd> {
    const mounts = [{ volume: `${names.stack}_${key}`, at: '/v', readOnly: false }];
    const end = await hands.run({ command: ['sh', '-c', script], mounts, stdin: '', seconds: 60 });
    if (end.exit !== 0) throw new Error(`${script}: exit ${end.exit}: ${end.stderr}`);
    return end;
  }

  return {
    names,
    labels,
    image,
    inside,
    async leave() {
      await hands.close();
      hands = openHands();
    },
    async volume(key) {
      const name = `${names.stack}_${key}`;
      volumes.add(name);
      await makeVolume(docker, name, labels, never);
    },
    async listing(key) {
      const { stdout } = await inside(key, 'cd /v; find . -type f -exec sha256sum {} + | sort');
      return `${await archived(image, labels, `${names.stack}_${key}`)}\n${stdout}`;
    },
    async open(signal = never) {
      const vault = await openVault({ docker, names, labels, image, signal });
      onTestFinished(() => vault.close());
      return vault;
    },
  };
}

async function archived(image: string, labels: Labels, volume: string): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sh'],
    Labels: labels,
    HostConfig: { Binds: [`${volume}:/v:nocopy`], NetworkMode: 'none' },
  });
  try {
    const archive = await buffer(await container.getArchive({ path: '/v' }));
    const options = { input: archive, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
    return execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--full-time'], options);
  } finally {
    await container.remove({ force: true });
  }
}

/** Everything on the engine that has the run's label. */
export async function ofRun(run: string): Promise<string[]> {
  const filters = { label: [`coldpass.run=${run}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const { Volumes } = await docker.listVolumes({ filters });
  return [...containers.flatMap(({ Names }) => Names), ...Volumes.map(({ Name }) => Name)].sort();
}
