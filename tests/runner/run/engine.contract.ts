// These tests check what every engine must do, whatever it runs steps on. Each engine has a suite that calls them.

import { expect, it } from 'vitest';
import { RunnerError } from '../../../runner/box/errors.ts';
import type { Engine, Order, RunStep } from '../../../runner/run/engine.ts';
import { pinRecipe } from '../../../runner/run/pinned.ts';
import { RecipeName, type RunId, Sha } from '../../../state/entry/ids.ts';
import type { Recipe } from '../../../state/entry/recipe.ts';
import { newRun, processesWith, project, recipeOf, repoOf } from '../../support/recipes.ts';

const never = new AbortController().signal;

export type Opened = {
  engine: Engine;
  /** Returns the names of everything left of a run, except its records. */
  leftOf(run: RunId): string[];
};

export function engineContract(open: () => Opened): void {
  async function place(parts: { recipe?: Recipe; sha?: Sha; snapshotOf?: RunId } = {}) {
    const opened = open();
    const repo = repoOf(project);
    const { pinned, blobs } = pinRecipe(RecipeName.parse('app'), parts.recipe ?? recipeOf(), () => null);
    const order: Order = {
      run: newRun(),
      hub: repo.hub,
      sha: parts.sha ?? repo.sha,
      pinned,
      harnessFiles: blobs,
      snapshotOf: null,
      purpose: { kind: 'trial', by: 'operator' },
      drill: null,
    };
    return { ...opened, order, run: order.run };
  }

  async function carryOut(engine: Engine, run: RunId, name: string, command: string, more: Partial<RunStep> = {}) {
    await engine.start(run, { name, run: command, seconds: 20, network: [], report: null, ...more }, never);
    return engine.wait(run, name);
  }

  it('is available, and says which sandbox its steps run in', async () => {
    const { engine } = await place();
    expect(await engine.available()).toBeNull();
    expect(engine.sandbox.level).toMatch(/^(bubblewrap|none)$/);
  });

  it("lays out the commit's tree, runs steps in it one after the other, and keeps their changes", async () => {
    const { engine, order, run } = await place();
    expect(await engine.setup(order, never)).toMatchObject({
      overlaid: [],
      fromSnapshot: false,
      tree: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    const first = await carryOut(engine, run, 'one', 'cat lib/sum.js; echo kept > new.txt; echo err >&2; exit 3');
    expect(first).toMatchObject({ started: true, exit: 3, signal: null, timedOut: false, troubles: [] });
    expect(first.output.head).toBe(`${project['lib/sum.js']}err\n`);
    expect((await carryOut(engine, run, 'two', 'cat new.txt')).output.head).toBe('kept\n');
    expect(await engine.wait(run, 'two')).toEqual(await engine.wait(run, 'two'));
    expect(await engine.destroy(run)).toEqual({ leaks: [] });
  });

  it('reports the last line of output as soon as it is printed', async () => {
    const { engine, order, run } = await place();
    await engine.setup(order, never);
    await engine.start(run, { name: 'one', run: 'echo said', seconds: 20, network: [], report: null }, never);
    const lines: string[] = [];
    engine.tail(run, 'one', (line) => lines.push(line));
    await engine.wait(run, 'one');
    expect(lines).toEqual(['said']);
    await engine.destroy(run);
  });

  it('ends a step at its time limit, along with the processes that the step forked', async () => {
    const { engine, order, run } = await place();
    await engine.setup(order, never);
    const mark = `5151${process.pid}`;
    // Without a box, the engine cannot end a process that leaves its session.
    const away = engine.sandbox.level === 'none' ? '' : 'setsid ';
    const end = await carryOut(engine, run, 'one', `${away}sleep ${mark} & sleep ${mark}`, { seconds: 1 });
    expect(end).toMatchObject({ started: true, timedOut: true });
    await engine.destroy(run);
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
  });

  it('ends a step when its signal is aborted, even if that happens before the step starts', async () => {
    const { engine, order, run } = await place();
    await engine.setup(order, never);
    const step = { run: 'echo up; sleep 600', seconds: 600, network: [], report: null };
    const cancel = new AbortController();
    await engine.start(run, { ...step, name: 'one' }, cancel.signal);
    engine.tail(run, 'one', () => cancel.abort());
    expect(await engine.wait(run, 'one')).toMatchObject({ exit: null, timedOut: false });
    await engine.start(run, { ...step, name: 'two' }, AbortSignal.abort());
    expect(await engine.wait(run, 'two')).toMatchObject({ exit: null });
    expect(await engine.destroy(run)).toEqual({ leaks: [] });
  });

  it('makes room for a report: removes what is there, and makes its folder', async () => {
    const { engine, order, run } = await place();
    await engine.setup(order, never);
    await carryOut(engine, run, 'one', 'mkdir -p out; echo old > out/r.xml');
    const end = await carryOut(engine, run, 'two', 'ls out', { report: 'out/r.xml' });
    expect(end.output.head).toBe('');
    expect((await carryOut(engine, run, 'three', 'touch deep/er/r.xml', { report: 'deep/er/r.xml' })).exit).toBe(0);
    await engine.destroy(run);
  });

  it('between steps, reads and writes the tree, and nothing outside the tree', async () => {
    const { engine, order, run } = await place();
    await engine.setup(order, never);
    await carryOut(
      engine,
      run,
      'one',
      'ln -s /etc/passwd out; ln -s /etc etc; mkfifo pipe; mkdir dir; printf 12345 > five',
    );
    const tree = engine.tree(run);
    expect(await tree.read('five', 5)).toEqual({ ok: true, bytes: Buffer.from('12345'), cut: false });
    expect(await tree.read('five', 4)).toEqual({ ok: true, bytes: Buffer.from('1234'), cut: true });
    const turnedDown = await Promise.all(
      ['out', 'etc/passwd', 'pipe', 'dir', 'none'].map((path) => tree.read(path, 9)),
    );
    expect(turnedDown.map((answer) => answer.ok)).toEqual(Array(5).fill(false));
    expect(await tree.write('out', Buffer.from('file'), 0o755)).toEqual({ ok: true });
    expect(await tree.write('dir', Buffer.from('file'), 0o644)).toEqual({ ok: true });
    expect(await tree.link('a/link', '../five')).toEqual({ ok: true });
    expect([await tree.remove('five'), await tree.remove('five'), await tree.remove('pipe')]).toEqual(
      Array(3).fill({ ok: true }),
    );
    expect((await tree.write('etc/mine', Buffer.from('x'), 0o644)).ok).toBe(false);
    const { output } = await carryOut(engine, run, 'two', 'cat out dir; readlink a/link; stat -c %a out; ls');
    expect(output.head).toBe('filefile../five\n755\na\ndir\netc\nlib\nout\npackage.json\ntest\n');
    await engine.destroy(run);
  });

  it('starts from a saved copy of the same commit and recipe, until that copy is forgotten', async () => {
    const { engine, order, run, leftOf } = await place({
      recipe: recipeOf({ setup: { name: 'install', run: 'true' } }),
    });
    await engine.setup(order, never);
    await carryOut(engine, run, 'one', 'echo made > made.txt');
    expect(await engine.keep(run, never)).toBe(true);
    await engine.destroy(run);
    const later = { ...order, run: newRun(), snapshotOf: run };
    expect(await engine.setup(later, never)).toMatchObject({ fromSnapshot: true });
    expect((await carryOut(engine, later.run, 'one', 'cat made.txt')).output.head).toBe('made\n');
    await engine.destroy(later.run);
    const other = { ...later, run: newRun(), pinned: { ...order.pinned, recipe: recipeOf() } };
    expect(await engine.setup(other, never)).toMatchObject({ fromSnapshot: false });
    await engine.destroy(other.run);
    await engine.forget(run);
    expect(leftOf(run)).toEqual([]);
    expect(await engine.setup({ ...later, run: newRun() }, never)).toMatchObject({ fromSnapshot: false });
  });

  it('destroys a run that is still running, was destroyed before, failed in setup, or never existed', async () => {
    const { engine, order, run, leftOf } = await place();
    await engine.setup(order, never);
    await engine.start(run, { name: 'one', run: 'sleep 600', seconds: 600, network: [], report: null }, never);
    expect(await engine.destroy(run)).toEqual({ leaks: [] });
    expect(await engine.destroy(run)).toEqual({ leaks: [] });
    expect(leftOf(run)).toEqual([]);
    expect(await engine.destroy(newRun())).toEqual({ leaks: [] });
    const unknown = { ...order, run: newRun(), sha: Sha.parse('0123456789'.repeat(4)) };
    await expect(engine.setup(unknown, never)).rejects.toThrow('no commit');
    expect(await engine.destroy(unknown.run)).toEqual({ leaks: [] });
    expect(leftOf(unknown.run)).toEqual([]);
  });

  it('rejects calls out of order', async () => {
    const { engine, order, run } = await place();
    const step = { name: 'one', run: 'true', seconds: 5, network: [], report: null };
    await expect(engine.start(run, step, never)).rejects.toThrow(RunnerError);
    await engine.setup(order, never);
    expect(() => engine.tail(run, 'one', () => {})).toThrow(RunnerError);
    await engine.start(run, step, never);
    await expect(engine.start(run, step, never)).rejects.toThrow(RunnerError);
    await engine.destroy(run);
    expect(() => engine.tree(run)).toThrow(RunnerError);
  });

  it('sweeps leftovers of runs that are not live', async () => {
    const { engine, order, run, leftOf } = await place();
    await engine.setup(order, never);
    expect(await engine.sweep((one) => one === run)).toEqual([]);
    expect(leftOf(run)).not.toEqual([]);
    expect(await engine.sweep(() => false)).toEqual([]);
    expect(leftOf(run)).toEqual([]);
    expect(await engine.destroy(run)).toEqual({ leaks: [] });
  });
}
