// The test suite: files of `tests/` on all cores, then those of `tests/live/`, which take a whole machine, one at a time. What is
// in `tests/live/long/` takes ten minutes or more and is run by hand: `npm run long`.

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { figures } from './tests/setup/figures.ts';
import { ground } from './tests/setup/ground.ts';
import { LongestFirst } from './tests/setup/order.ts';

const shared = { env: { TMPDIR: ground }, testTimeout: 30_000, hookTimeout: 60_000 };

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
          ...shared,
          name: 'rooms',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/live/**', 'tests/fixtures/**'],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'live',
          include: ['tests/live/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'long',
          include: ['tests/live/long/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
