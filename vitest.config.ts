// The test suite in tiers, by what a test file needs of the machine. Its name says which: `x.test.ts` needs nothing,
// `x.git.test.ts` git and OpenSSH, `x.boxed.test.ts` bubblewrap as well, `x.swarm.test.ts` a Docker engine as well. The tier
// `live` plays whole phases in boxes. What takes many minutes runs manually, by `npm run long`: the files in `tests/live/long/`,
// and the whole of what the suite runs in part (`tests/setup/parts.ts`).

import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { figures } from './tests/setup/figures.ts';
import { ground } from './tests/setup/ground.ts';
import { LongestFirst } from './tests/setup/order.ts';
import { changedParts, longFiles, parts } from './tests/setup/parts.ts';
import type { Part } from './tests/support/long.ts';

// A limit finds what hangs; `bench/` measures how long things take.
/** Parts that run whole; `npm run attacks` names its own. */
const whole = process.env.COLDPASS_WHOLE?.split(' ') ?? changedParts();
const shared = {
  env: { TMPDIR: ground, COLDPASS_WHOLE: whole.join(' ') },
  testTimeout: 300_000,
  hookTimeout: 300_000,
};
/** One worker more than there are cores: the longest files wait for containers. */
const atOnce = { maxWorkers: availableParallelism() + 1, sequence: { groupOrder: 0 } };
/** A small heap of young objects leaves fewer pages to copy each time git is started. */
const execArgv = ['--max-semi-space-size=1'];
const needy = ['git', 'boxed', 'swarm'];
const notChanged = (Object.keys(parts) as Part[]).filter((part) => !whole.includes(part));
const elsewhere = ['tests/fixtures/**', 'tests/live/long/**', ...notChanged.flatMap((part) => parts[part].onlyWhole)];

/** A project only when asked for: else a single file would run twice, and start an engine. */
const isLong = process.env.COLDPASS_LONG === 'yes';
const long = (): TestProjectInlineConfiguration => ({
  test: {
    ...shared,
    execArgv,
    name: 'long',
    globalSetup: ['tests/setup/swarm.ts'],
    include: ['tests/live/long/*.test.ts', ...longFiles()],
    maxWorkers: 1,
    sequence: { groupOrder: 1 },
  },
});

export default defineConfig({
  test: {
    globalSetup: ['tests/setup/ground.ts'],
    reporters: ['default', figures({ isCi: process.env.CI === 'true', file: process.env.COLDPASS_FIGURES })],
    sequence: { sequencer: LongestFirst },
    /** Apps on the Swarm at one time. */
    maxConcurrency: 4,
    projects: [
      {
        test: {
          ...shared,
          ...atOnce,
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/live/**', 'tests/fixtures/**', ...needy.map((tier) => `tests/**/*.${tier}.test.ts`)],
        },
      },
      ...needy.map((tier) => ({
        test: {
          ...shared,
          ...atOnce,
          execArgv,
          name: tier,
          globalSetup: [`tests/setup/${tier}.ts`],
          include: [`tests/**/*.${tier}.test.ts`],
          exclude: elsewhere,
        },
      })),
      {
        test: {
          ...shared,
          ...atOnce,
          execArgv,
          name: 'live',
          globalSetup: ['tests/setup/boxed.ts'],
          include: ['tests/live/*.test.ts'],
          exclude: ['tests/live/*.swarm.test.ts'],
        },
      },
      ...(isLong ? [long()] : []),
    ],
  },
});
