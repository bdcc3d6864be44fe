// Runs INSIDE a box: exactly these test files of a recipe. node tests.ts REPORT FILE…   (paths in the tree)
// vitest's own command line takes any file whose path has one of its arguments in it, so the files are its `include` instead.

import { startVitest } from 'vitest/node';
import config from './vitest.config.ts';

const [report = '', ...files] = process.argv.slice(2);
const include = files.map((file) => file.replace(/[^\w./-]/g, '\\$&'));

const vitest = await startVitest('test', [], { config: false, include, outputFile: { junit: report } }, config);
await vitest.exit();
