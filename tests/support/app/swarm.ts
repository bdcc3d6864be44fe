// What live tests need for small stacks: a busybox image, and a run with its lock and labels, which is taken down when
// its test ends. Tests may overlap, since each has its own names.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import type { Labels, RunNames, Stack } from '../../../runner/swarm/app/app.ts';
import { type Docker, httpStatusOf, openDocker } from '../../../runner/swarm/engine/docker.ts';
import { stackOf } from '../../../runner/swarm/engine/place.ts';
import { writeIntent } from '../../../runner/swarm/stack/intents.ts';
import { removeRun } from '../../../runner/swarm/stack/removeRun.ts';
import { type RunLock, tryLock } from '../../../runner/swarm/stack/runLock.ts';
import { openStack } from '../../../runner/swarm/stack/stack.ts';
import { removeWitnesses } from '../../../runner/swarm/stack/witness.ts';
import { RunId } from '../../../state/entry/ids.ts';
import { engineSocket } from './engine.ts';
import { labelsOf } from './smallApp.ts';

const applets =
  'sh sleep httpd nc cat echo kill ls ps touch true false mkdir head yes env id setsid timeout printf'.split(' ');
const lookEveryMs = 100;

/**
 * Makes a busybox image for all tests of a file and returns its name; call this at the top of the file. `changes` are
 * Dockerfile lines such as `VOLUME /own`.
 */
export function busybox(changes: string[] = []): string {
  const image = `coldpass-live-${randomBytes(4).toString('hex')}:1`;
  beforeAll(() => {
    const dir = mkdtempSync(join(tmpdir(), 'coldpass-image-'));
    for (const name of ['bin', 'tmp', 'data']) mkdirSync(join(dir, name));
    copyFileSync(['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? '/bin/busybox', join(dir, 'bin', 'busybox'));
    for (const name of applets) symlinkSync('busybox', join(dir, 'bin', name));
    const input = execFileSync('tar', ['-C', dir, '-c', '.'], { maxBuffer: 16 * 1024 * 1024 });
    rmSync(dir, { recursive: true });
    const flags = ['ENV PATH=/bin', ...changes].flatMap((change) => ['--change', change]);
    docker(['import', ...flags, '-', image], input);
  });
  afterAll(async () => {
    // The last container of the image may still be exiting.
    await eventually(async () => {
      await openDocker(engineSocket()).getImage(image).remove().catch(unless(404));
    }, 60);
  }, 300_000);
  return image;
}

export type Ground = {
  run: RunId;
  docker: Docker;
  names: RunNames;
  labels: Labels;
  network: string;
  stateDir: string;
  stack: Stack;
  /** Opens another stack of the run, such as one for an app that the app of the first stack needs. */
  open(name: string): Stack;
  abort: AbortController;
  lock: RunLock;
};

/** A new run, locked, with nothing deployed; it is taken down when the test ends. */
export async function swarmGround(context: TestContext, secrets: Record<string, string> = {}): Promise<Ground> {
  const docker = openDocker(engineSocket());
  const run = newRun();
  const lock = await tryLock(run);
  if (lock === null) throw new Error(`${run} is locked`);
  const stateDir = mkdtempSync(join(tmpdir(), 'coldpass-run-'));
  const names = { run, stack: stackOf(run), domain: 'app.test' };
  const abort = new AbortController();
  const network = `${names.stack}_proxy`;
  const shared = { labels: labelsOf(run), secrets: new Map(Object.entries(secrets)), network, signal: abort.signal };
  const open = (stack: string): Stack =>
    openStack(docker, { ...shared, names: { ...names, stack }, intend: (what) => writeIntent(stateDir, what) });
  context.onTestFinished(async () => {
    abort.abort();
    const left = [await removeRun(docker, run), await removeWitnesses(docker, run)].flat();
    await lock.release();
    rmSync(stateDir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(left.join('; '));
  }, 300_000);
  return { run, docker, names, labels: shared.labels, network, stateDir, stack: open(names.stack), open, abort, lock };
}

export function newRun(): RunId {
  return RunId.parse(`r-${randomBytes(6).toString('hex')}`);
}

export async function eventually<T>(look: () => Promise<T>, seconds = 60): Promise<T> {
  const untilMs = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await pause(lookEveryMs);
    }
  }
}

export function docker(args: string[], input?: Buffer): string {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', DOCKER_HOST: `unix://${engineSocket()}` };
  return execFileSync('docker', args, {
    env,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input && { input }),
  });
}

function unless(status: number): (error: unknown) => void {
  return (error) => {
    if (httpStatusOf(error) !== status) throw error;
  };
}
