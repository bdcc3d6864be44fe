// Runs INSIDE the box of a hook: makes `import … from 'coldpass/app'` resolve to the kit, from any file.

import { registerHooks } from 'node:module';
import { extname } from 'node:path';

const app = new URL(`./app${extname(import.meta.url)}`, import.meta.url).href;

registerHooks({
  resolve: (name, context, next) => (name === 'coldpass/app' ? { url: app, shortCircuit: true } : next(name, context)),
});
