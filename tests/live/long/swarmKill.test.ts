// Runners are killed with -9 at seeded moments of an app's run, ten at a time; the next start recognises by its labels
// whatever they left, and removes it. Other runners get SIGINT at seeded moments; their runs are cancelled, and
// teardown completes.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildImages } from '../../../recipes/images/build.ts';
import { openDocker } from '../../../runner/swarm/engine/docker.ts';
import { residueOf } from '../../../runner/swarm/stack/residue.ts';
import { sweepApps } from '../../../runner/swarm/stack/sweep.ts';
import type { RunId } from '../../../state/entry/ids.ts';
import { type AppRepo, newAppRun, sharedApps } from '../../support/app/apps.ts';
import { describeSwarm, engineSocket } from '../../support/app/engine.ts';
import { seed } from '../../support/property.ts';

const kills = 50;
const killsAtOnce = 10;
/** A run takes about 40 s when ten run at once, so late moments fall into teardown or after it. */
const killMsMax = 45_000;
const interrupts = 8;
const reapedMsMax = 60_000;

describeSwarm('an app whose runner dies', () => {
  const apps = sharedApps(engineSocket);
  const random = seeded(seed);
  let app: AppRepo;
  let ground: string;

  beforeAll(async () => {
    await buildImages(['static-site'], { socket: engineSocket() });
    app = await apps().lay('static-site');
    ground = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-')));
  }, 900_000);
  afterAll(() => rmSync(ground, { recursive: true, force: true }));

  for (let batch = 0; batch < kills / killsAtOnce; batch += 1) {
    test(`killed at ${killsAtOnce} seeded moments (${batch + 1}): nothing is left within a minute of the next start`, async () => {
      const killed = await Promise.all(
        Array.from({ length: killsAtOnce }, () => killedAt(Math.floor(random() * killMsMax))),
      );
      const startedAtMs = performance.now();
      expect(await sweepApps(engineSocket(), () => false)).toEqual([]);
      expect(performance.now() - startedAtMs).toBeLessThan(reapedMsMax);
      const docker = await openDocker(engineSocket());
      for (const run of killed) expect(await residueOf(docker, run), run).toMatchObject(nothing);
    }, 300_000);
  }

  test(`interrupted at ${interrupts} seeded moments: each cleans up and reports how its run ended`, async () => {
    const docker = await openDocker(engineSocket());
    const ends = await Promise.all(
      Array.from({ length: interrupts }, async () => {
        const run = newAppRun();
        const child = start(run);
        const line = lastLine(child);
        await Promise.race([after(Math.floor(random() * killMsMax)), once(child, 'exit')]);
        child.kill('SIGINT');
        return { run, end: JSON.parse(await line) };
      }),
    );
    for (const { run, end } of ends) {
      expect(end, JSON.stringify(end)).toMatchObject({
        kind: 'record',
        outcome: expect.stringMatching(/^(CANCELLED|PASS)$/),
      });
      expect(await residueOf(docker, run), run).toMatchObject(nothing);
    }
  }, 300_000);

  async function killedAt(ms: number): Promise<RunId> {
    const run = newAppRun();
    const child = start(run);
    const ended = once(child, 'exit');
    await Promise.race([after(ms), ended]);
    child.kill('SIGKILL');
    await ended;
    return run;
  }

  function start(run: RunId): ChildProcess {
    const stateDir = join(ground, run);
    mkdirSync(join(stateDir, 'runs'), { recursive: true, mode: 0o700 });
    const program = join(import.meta.dirname, '..', '..', 'support', 'app', 'appRunner.ts');
    const args = [program, stateDir, engineSocket(), JSON.stringify(app), run];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }
});

/** A residue in which nothing of any kind is left. */
const nothing = { services: [], tasks: [], containers: [], networks: [], volumes: [], secrets: [], configs: [] };

async function lastLine(child: ChildProcess): Promise<string> {
  let last = '';
  if (child.stdout) for await (const line of createInterface({ input: child.stdout })) last = line;
  return last;
}

/** Returns a generator of the same numbers every time (mulberry32). */
function seeded(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
