// Whenever and however a run's process ends, whatever the run created on the real Swarm is removed, and nothing else.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { type TestContext, test } from 'vitest';
import { type Docker, openDocker } from '../../runner/swarm/engine/docker.ts';
import { stackOf } from '../../runner/swarm/engine/place.ts';
import { reap } from '../../runner/swarm/stack/reaper.ts';
import { removeRun } from '../../runner/swarm/stack/removeRun.ts';
import { countOf, residueOf } from '../../runner/swarm/stack/residue.ts';
import { countWitnesses, plantWitnesses, removeWitnesses } from '../../runner/swarm/stack/witness.ts';
import type { RunId } from '../../state/entry/ids.ts';
import { describeSwarm, dockerHere, engineSocket } from '../support/app/engine.ts';
import { admitted, untilTerm } from '../support/app/smallApp.ts';
import { busybox, eventually, type Ground, newRun, swarmGround } from '../support/app/swarm.ts';

const testMs = 900_000;
const seconds = 600;
/** A deployment takes about ten seconds on an idle machine, so the later aborts come while the run waits for it. */
const abortsAtMs = [0, 20, 60, 150, 400, 1500, 4000];

describeSwarm.concurrent('the removal of a run', () => {
  const image = busybox();
  const withVolume = busybox(['VOLUME /own']);

  const services = { app: { image, command: untilTerm(), volumes: ['data:/data'] } };
  const nothingLeft = async (context: TestContext, { docker, run }: Pick<Ground, 'docker' | 'run'>): Promise<void> => {
    context.expect(await removeRun(docker, run)).toEqual([]);
    context.expect(await residueOf(docker, run)).toEqual({
      services: [],
      tasks: [],
      containers: [],
      networks: [],
      secrets: [],
      configs: [],
      volumes: [],
    });
  };

  test(
    'includes, along with the containers, the volumes that their image declares',
    async (context) => {
      const ground = await swarmGround(context);
      await ground.stack.deploy(admitted(ground, { app: { image: withVolume, command: untilTerm() } }));
      context.expect(await ground.stack.converge({ seconds, before: null })).toMatchObject({ failed: null });
      const [own] = await volumesOf(ground);
      context.expect(own).toMatch(/^[0-9a-f]{64}$/);
      await nothingLeft(context, ground);
      await context.expect(ground.docker.getVolume(own ?? '').inspect()).rejects.toMatchObject({ statusCode: 404 });
    },
    testMs,
  );

  test(
    'waits until a task that Swarm is preparing can create nothing more',
    async (context) => {
      const ground = await swarmGround(context);
      await ground.stack.deploy(admitted(ground, { app: { ...services.app, replicas: 3 } }));
      await eventually(async () => {
        const tasks: { Status: { State: string } }[] = await ground.docker.listTasks({
          filters: { label: [`coldpass.run=${ground.run}`] },
        });
        context.expect(tasks.map(({ Status }) => Status.State)).toContain('preparing');
      });
      await nothingLeft(context, ground);
      // Preparing a task takes less time than these looks, so they would see anything that it creates late.
      for (let look = 0; look < 4; look += 1) {
        await after(3_000);
        context.expect(countOf(await residueOf(ground.docker, ground.run))).toBe(0);
      }
    },
    testMs,
  );

  for (const ms of abortsAtMs)
    test(
      `leaves nothing after an abort at ${ms} ms`,
      async (context) => {
        const ground = await swarmGround(context, { key: 'value' });
        const secrets = [{ key: 'key', name: `${ground.names.stack}_key_v1`, length: 5 }];
        const configs = [{ name: `${ground.names.stack}_conf_v1`, bytes: Buffer.from('conf'), template: true }];
        const life = async (): Promise<string | null> => {
          await ground.stack.deploy(admitted(ground, services, { secrets, configs }));
          return (await ground.stack.converge({ seconds, before: null })).failed;
        };
        const timer = after(ms).then(() => ground.abort.abort(new Error('stopped by the operator')));
        const [ended] = await Promise.allSettled([life(), timer]);
        if (ended.status === 'rejected') context.expect(String(ended.reason)).toContain('stopped by the operator');
        await nothingLeft(context, ground);
      },
      testMs,
    );

  test(
    'touches no other objects, however similar their names',
    async (context) => {
      const ground = await swarmGround(context);
      const { docker, run, names } = ground;
      const planted = await plantWitnesses(docker, run);
      const strange = newRun();
      const others = await docker.createVolume({ Name: `${names.stack}_data2`, Labels: { 'coldpass.run': `${run}0` } });
      context.onTestFinished(async () => {
        await docker.getVolume(others.name).remove();
      });
      context.expect(planted).toBeGreaterThan(5);
      context.expect(await countWitnesses(docker, run)).toBe(planted);
      await ground.stack.deploy(admitted(ground, services));
      await nothingLeft(context, ground);
      context.expect(await countWitnesses(docker, run)).toBe(planted);
      context.expect(await countWitnesses(docker, strange)).toBe(0);
      await docker.getVolume(others.name).inspect();
      await docker.getVolume(`x${names.stack}_data`).remove();
      context.expect(await countWitnesses(docker, run)).toBe(planted - 1);
      context.expect(await removeWitnesses(docker, run)).toEqual([]);
      context.expect(await countWitnesses(docker, run)).toBe(0);
    },
    testMs,
  );

  test(
    'is done by the next run, under the lock, if the run is dead; a live run is left alone',
    async (context) => {
      const { docker } = await dockerHere();
      const ground = await swarmGround(context);
      await ground.stack.deploy(admitted(ground, services));
      const dir = mkdtempSync(join(tmpdir(), 'coldpass-run-'));
      const dead = newRun();
      context.onTestFinished(async () => {
        await removeRun(docker, dead);
        await removeWitnesses(docker, dead);
        rmSync(dir, { recursive: true, force: true });
      }, testMs);
      // Runs of other tests on this engine count as live.
      const isLive = (run: RunId): boolean => run !== dead && run !== ground.run;
      const deployer = join(import.meta.dirname, '..', 'support', 'app', 'deployer.ts');
      const child = spawn(process.execPath, [deployer, engineSocket(), dead, image, dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(child.stdout, 'data');
      context.expect(`${line}`).toBe('deployed\n');
      context.expect(await reap(docker, { isLive })).toEqual({ reaped: [], stuck: [] });
      child.kill('SIGKILL');
      await once(child, 'exit');
      context.expect(countOf(await residueOf(docker, dead))).toBeGreaterThan(4);
      context.expect(await reap(docker, { isLive })).toEqual({ reaped: [dead], stuck: [] });
      await nothingLeft(context, { docker, run: dead });
      context.expect(await countWitnesses(docker, dead)).toBe(0);
      context.expect(countOf(await residueOf(docker, ground.run))).toBeGreaterThan(2);
      context.expect(await reap(docker, { isLive })).toEqual({ reaped: [], stuck: [] });
    },
    testMs,
  );

  test('never reports "nothing left" if the engine does not answer', async (context) => {
    const docker: Docker = openDocker('/nonexistent/docker.sock');
    const run = newRun();
    context
      .expect(await removeRun(docker, run))
      .toEqual([context.expect.stringMatching(/^unknown what is left of r-\w+: /)]);
    await context.expect(residueOf(docker, run)).rejects.toMatchObject({ code: 'engine' });
    await context.expect(reap(docker)).rejects.toMatchObject({ code: 'engine' });
    context.expect(stackOf(run)).toMatch(/^cp[0-9a-f]{12}$/);
  });
});

/** Returns the names of the volumes in the run's containers. */
async function volumesOf({ docker, run }: Ground): Promise<string[]> {
  const all = await docker.listContainers({ all: true, filters: { label: [`coldpass.run=${run}`] } });
  return all.flatMap(({ Mounts }) => Mounts.map((mount) => mount.Name ?? ''));
}
