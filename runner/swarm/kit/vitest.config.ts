// Runs INSIDE a box: the one configuration under which a recipe's tests run, whatever configuration the tree holds. Nothing
// makes a red test green here: no retries, no `only`, no passing without tests. Which files, and where to: tests.ts.

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const scratch = '/tmp/vitest';
/** A live service may take a while to answer. */
const testMs = 120_000;

export default defineConfig({
  root: '/tree',
  cacheDir: scratch,
  envDir: false,
  publicDir: false,
  // Else looked for in the tree.
  css: { postcss: {} },
  resolve: {
    alias: { 'coldpass/app': fileURLToPath(new URL(`./app${extname(import.meta.url)}`, import.meta.url)) },
  },
  test: {
    reporters: ['default', 'junit'],
    watch: false,
    passWithNoTests: false,
    allowOnly: false,
    retry: 0,
    testTimeout: testMs,
    hookTimeout: testMs,
    // The files of a rung speak to one app.
    fileParallelism: false,
    maxWorkers: 1,
    pool: 'threads',
    cache: false,
    fsModuleCache: false,
    coverage: { enabled: false },
    typecheck: { enabled: false },
  },
});
