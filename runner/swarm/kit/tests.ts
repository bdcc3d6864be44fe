// Runs INSIDE a box: runs only the named test files of a recipe, as `node tests.ts REPORT FILE…` (paths in the tree).
// On its command line vitest would run any file whose path contains an argument, so the files are passed as `include`.

import { startVitest } from 'vitest/node';
import config from './vitest.config.ts';

const [report = '', ...files] = process.argv.slice(2);
const include = files.map((file) => file.replace(/[^\w./-]/g, '\\$&'));

const vitest = await startVitest('test', [], { config: false, include, outputFile: { junit: report } }, config);
await vitest.exit();
