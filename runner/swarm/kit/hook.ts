// Runs INSIDE a box: carries out one hook of a recipe, as `node hook.ts /tree/SUITE/ops.ts NAME`. Exits with 0 if the
// hook succeeded or does not exist (and prints which); otherwise with 1 and the error.

import './resolve.ts';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { app } from './app.ts';

const [ops = '', name = ''] = process.argv.slice(2);

if (!existsSync(ops)) end(`no ${name}: there is no ${ops}`);
const hooks = await import(pathToFileURL(ops).href);
const hook = hooks[name];
if (hook === undefined) end(`no ${name} in ${ops}, which has ${Object.keys(hooks).join(', ') || 'none'}`);
if (typeof hook !== 'function') throw new TypeError(`${name} in ${ops} is not a function`);
await hook(app);
end(`${name} is done`);

/** Exits at once, even if the hook left handles open. */
function end(message: string): never {
  console.log(message);
  process.exit(0);
}
