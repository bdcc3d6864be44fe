// Runs INSIDE a box: the only configuration for a recipe's tests; any in the tree is ignored. It leaves no way to turn
// a red test green: no retries, no `only`, no passing without tests. tests.ts sets the files and the report.

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const scratch = '/tmp/vitest';
/** A real service may take a while to answer. */
const testMs = 120_000;

export default defineConfig({
  root: '/tree',
  cacheDir: scratch,
  envDir: false,
  publicDir: false,
  // Otherwise vitest would look for a PostCSS configuration in the tree.
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
    // All files of a rung share one app.
    fileParallelism: false,
    maxWorkers: 1,
    pool: 'threads',
    cache: false,
    fsModuleCache: false,
    coverage: { enabled: false },
    typecheck: { enabled: false },
  },
});
