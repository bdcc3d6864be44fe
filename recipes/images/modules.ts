// npm packages for images: an image's `modules.txt` names some, and those and all that they depend on are copied from the
// repository's own `node_modules` to where Node finds them in the image. Nothing is fetched.

import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export const modulesFile = 'modules.txt';
const packagesMax = 500;

/** What is to be copied: folders relative to `top`, which holds `node_modules`; sorted, each name with its package's version. */
export type Modules = { folder: string; version: string }[];

/** Empty where the image names none. Rejects in one line where a package is not installed. */
export async function modulesOf(imageDir: string, top: string): Promise<Modules> {
  const list = join(imageDir, modulesFile);
  if (!existsSync(list)) return [];
  const names = (await readFile(list, 'utf8')).split(/\s+/).filter((name) => name !== '');
  const found = new Map<string, string>();
  const waiting: Asked[] = names.map((name) => ({ name, from: top, isOptional: false }));
  for (let asked = waiting.pop(); asked; asked = waiting.pop()) {
    const folder = installed(asked, top);
    if (folder === null || found.has(folder)) continue;
    if (found.size >= packagesMax) throw new Error(`${list}: more than ${packagesMax} packages`);
    const { version, asks } = await manifestOf(join(top, folder));
    found.set(folder, version);
    waiting.push(...asks);
  }
  return [...found].sort().map(([folder, version]) => ({ folder, version }));
}

/** Into the same places below `to`. A package's own `node_modules` is left out: what of it is needed is on the list. */
export async function copyModules(modules: Modules, top: string, to: string): Promise<void> {
  for (const { folder } of modules) {
    const from = join(top, folder);
    await cp(from, join(to, folder), {
      recursive: true,
      filter: (path) => path === from || !relative(from, path).split('/').includes('node_modules'),
    });
  }
}

type Asked = { name: string; from: string; isOptional: boolean };

/** As Node looks for it: below the one who asks, then further up, to `top`. Null where it is optional and not there. */
function installed({ name, from, isOptional }: Asked, top: string): string | null {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return relative(top, folder);
    if (at !== top) continue;
    if (isOptional) return null;
    throw new Error(`${name} is not installed in ${top}; run npm ci`);
  }
}

type Manifest = {
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

async function manifestOf(from: string): Promise<{ version: string; asks: Asked[] }> {
  const text = await readFile(join(from, 'package.json'), 'utf8');
  const { version, dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Manifest;
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return {
    version,
    asks: names.map((name) => ({ name, from, isOptional: Object.hasOwn(optionalDependencies, name) })),
  };
}
