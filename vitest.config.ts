// The test suite: the rooms' own tests, and whole phases and apps (`tests/live/`) beside them, the longest files first. What
// takes many minutes is run by hand, `npm run long`: what is in `tests/live/long/`, and all of what the suite runs in part.

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { figures } from './tests/setup/figures.ts';
import { ground } from './tests/setup/ground.ts';
import { LongestFirst } from './tests/setup/order.ts';

// Few pages to copy each time that git is started.
const execArgv = ['--max-semi-space-size=1'];
// A limit finds what hangs; how long things take is for `bench/` to say.
const shared = { execArgv, env: { TMPDIR: ground }, testTimeout: 300_000, hookTimeout: 300_000 };
/** Of these the suite runs a part (`tests/support/long.ts`). */
const inPart = ['live/kill', 'loop/life', 'state/history'];
// One more than there are cores: in the longest files, those on the Swarm, containers are waited for.
const atOnce = { maxWorkers: availableParallelism() + 1, sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    globalSetup: ['tests/setup/global.ts'],
    reporters: ['default', figures({ isCi: process.env.CI === 'true', file: process.env.COLDPASS_FIGURES })],
    sequence: { sequencer: LongestFirst },
    /** Apps on the Swarm at one time. */
    maxConcurrency: 4,
    projects: [
      {
        test: {
          ...{ ...shared, ...atOnce, name: 'rooms' },
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/live/**', 'tests/fixtures/**'],
        },
      },
      { test: { ...shared, ...atOnce, name: 'live', include: ['tests/live/*.test.ts'] } },
      {
        test: {
          ...{ ...shared, name: 'long', env: { ...shared.env, COLDPASS_LONG: 'yes' } },
          include: ['tests/live/long/*.test.ts', ...inPart.map((name) => `tests/${name}.test.ts`)],
          ...{ maxWorkers: 1, sequence: { groupOrder: 1 } },
        },
      },
    ],
  },
});
