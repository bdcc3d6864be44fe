// Runs INSIDE a box: one hook of a recipe. node hook.ts /tree/SUITE/ops.ts NAME
// Ends with 0 where the hook came to its end, and where there is none, which it says; else with 1 and the error.

import './resolve.ts';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { app } from './app.ts';

const [ops = '', name = ''] = process.argv.slice(2);

if (!existsSync(ops)) end(`no ${name}: there is no ${ops}`);
const hooks = await import(pathToFileURL(ops).href);
const hook = hooks[name];
if (hook === undefined) end(`no ${name} in ${ops}, which has ${Object.keys(hooks).join(', ') || 'none'}`);
if (typeof hook !== 'function') throw new TypeError(`${name} in ${ops} is no function`);
await hook(app);
end(`${name} is done`);

/** Now, whatever the hook left open. */
function end(said: string): never {
  console.log(said);
  process.exit(0);
}
