// Copies of trees after setup: taken from one run's tree and used as another's, so that a run and its controls share
// what setup installed. Copying happens in a box, because boxed code wrote the tree. A copy serves only orders with the
// same commit and recipe.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { digestOfJson } from '../../state/entry/digest.ts';
import { Digest, type RunId } from '../../state/entry/ids.ts';
import { RunnerError } from '../box/errors.ts';
import { removeFolder } from '../box/removal.ts';
import type { Mount, Sandbox } from '../box/sandbox.ts';
import type { Order } from './engine.ts';
import { runPaths } from './paths.ts';

const copySeconds = 600;
const removalMs = 120_000;

export type Copies = {
  /** Copies the run's tree and records which harness items were replaced in it. False if it cannot be copied. */
  keep(order: Order, overlaid: string[], signal: AbortSignal): Promise<boolean>;
  /** Makes the run's tree from the copy that the order names; returns the replaced items, or null if no copy fits. */
  layOut(order: Order, signal: AbortSignal): Promise<string[] | null>;
  /** May be called twice. */
  forget(run: RunId): Promise<void>;
};

export function copies(sandbox: Sandbox, runsDir: string): Copies {
  /** Copies a folder into a new one; returns whether it worked. */
  async function copy(order: Order, from: string, to: string, signal: AbortSignal): Promise<boolean> {
    await mkdir(to);
    await sandbox.give('verify', to);
    const mounts: Mount[] = [
      { source: from, target: '/from', mode: 'ro' },
      { source: to, target: '/to', mode: 'rw' },
    ];
    const places = [`${sandbox.inside(mounts, '/from')}/.`, sandbox.inside(mounts, '/to')];
    const argv = ['cp', '-a', '--reflink=auto', '--', ...places];
    const limits = { ...order.pinned.recipe.limits, seconds: copySeconds };
    const command = { role: 'verify' as const, argv, workdir: '/tmp', mounts, env: {}, tools: [], hosts: [], limits };
    const boxed = await sandbox.start(command, signal);
    boxed.stdout.resume();
    boxed.stderr.resume();
    if ((await boxed.done).exit === 0) return true;
    const left = await removeFolder(to, removalMs);
    if (left !== null) throw new RunnerError('io', `${to} cannot be removed: ${left}`);
    return false;
  }

  return {
    async keep(order, overlaid, signal) {
      const paths = runPaths(runsDir, order.run);
      if (!(await copy(order, paths.tree, paths.copy, signal))) return false;
      await writeFile(paths.copyFacts, JSON.stringify({ of: keyOf(order), overlaid } satisfies CopyFacts));
      return true;
    },
    async layOut(order, signal) {
      if (order.snapshotOf === null) return null;
      const source = runPaths(runsDir, order.snapshotOf);
      const facts = await readFacts(source.copyFacts);
      if (facts?.of !== keyOf(order)) return null;
      return (await copy(order, source.copy, runPaths(runsDir, order.run).tree, signal)) ? facts.overlaid : null;
    },
    async forget(run) {
      const paths = runPaths(runsDir, run);
      await rm(paths.copyFacts, { force: true });
      await removeFolder(paths.copy, removalMs);
    },
  };
}

const CopyFacts = z.strictObject({ of: Digest, overlaid: z.array(z.string()) });
type CopyFacts = z.infer<typeof CopyFacts>;

/** Equal for orders whose trees after setup are equal. */
function keyOf({ sha, pinned }: Order): Digest {
  return digestOfJson({ sha, pinned });
}

async function readFacts(path: string): Promise<CopyFacts | null> {
  try {
    return CopyFacts.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null; // no copy was kept, or copying was interrupted
  }
}
