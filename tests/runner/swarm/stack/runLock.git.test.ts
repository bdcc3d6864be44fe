import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeIntent } from '../../../../runner/swarm/stack/intents.ts';
import { lockRun, tryLock } from '../../../../runner/swarm/stack/runLock.ts';
import { newRun } from '../../../support/app/swarm.ts';
import { tempDir } from '../../../support/temp.ts';

describe('the lock of a run', () => {
  it('has one holder, and is free again once released', async () => {
    const run = newRun();
    const lock = await lockRun(run);
    expect(await tryLock(run)).toBeNull();
    await expect(lockRun(run)).rejects.toMatchObject({ code: 'engine' });
    await lock.release();
    await (await lockRun(run)).release();
  });

  it('is freed by the kernel when its holder is killed', async () => {
    const run = newRun();
    const holder = spawn(process.execPath, [
      join(import.meta.dirname, '..', '..', '..', 'support', 'app', 'lockHolder.ts'),
      run,
    ]);
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    expect(await tryLock(run)).toBeNull();
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockRun(run)).release();
  });
});

describe("a run's log of intents", () => {
  it('has one line per object, in order, in the folder of the run', async () => {
    const dir = join(tempDir(), 'run');
    mkdirSync(dir);
    await writeIntent(dir, 'network a');
    await writeIntent(dir, 'stack b');
    const lines = readFileSync(join(dir, 'docker.log'), 'utf8').trim().split('\n');
    expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual(['network a', 'stack b']);
  });

  it('causes an error if it cannot be written, so that nothing is created', async () => {
    await expect(writeIntent(join(tempDir(), 'none'), 'stack a')).rejects.toMatchObject({ code: 'io' });
  });
});
