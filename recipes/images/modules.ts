// npm packages for images: those named in an image's `modules.txt`, and all their dependencies, are copied from the
// repository's `node_modules` to where Node finds them in the image. Nothing is downloaded.

import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export const modulesFile = 'modules.txt';
const packagesMax = 500;

/** What to copy, sorted: folders relative to `top`, which contains `node_modules`, each with its package's version. */
export type Modules = { folder: string; version: string }[];

/** Empty if the image names none. Rejects with a one-line message if a package is not installed. */
export async function modulesOf(imageDir: string, top: string): Promise<Modules> {
  const list = join(imageDir, modulesFile);
  if (!existsSync(list)) return [];
  const names = (await readFile(list, 'utf8')).split(/\s+/).filter((name) => name !== '');
  const versions = new Map<string, string>();
  const waiting: Dependency[] = names.map((name) => ({ name, from: top, isOptional: false }));
  for (let dependency = waiting.pop(); dependency; dependency = waiting.pop()) {
    const folder = installed(dependency, top);
    if (folder === null || versions.has(folder)) continue;
    if (versions.size >= packagesMax) throw new Error(`${list}: more than ${packagesMax} packages`);
    const manifest = await manifestOf(join(top, folder));
    versions.set(folder, manifest.version);
    waiting.push(...manifest.dependencies);
  }
  return [...versions].sort().map(([folder, version]) => ({ folder, version }));
}

/**
 * Copies the packages to the same paths below `to`. Skips a package's own `node_modules`: what is needed from it is
 * listed.
 */
export async function copyModules(modules: Modules, top: string, to: string): Promise<void> {
  for (const { folder } of modules) {
    const from = join(top, folder);
    await cp(from, join(to, folder), {
      recursive: true,
      filter: (path) => path === from || !relative(from, path).split('/').includes('node_modules'),
    });
  }
}

type Dependency = { name: string; from: string; isOptional: boolean };

/** Searches as Node does: below the dependent package, then upwards to `top`. Null if optional and not installed. */
function installed({ name, from, isOptional }: Dependency, top: string): string | null {
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

async function manifestOf(from: string): Promise<{ version: string; dependencies: Dependency[] }> {
  const text = await readFile(join(from, 'package.json'), 'utf8');
  const { version, dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Manifest;
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return {
    version,
    dependencies: names.map((name) => ({ name, from, isOptional: Object.hasOwn(optionalDependencies, name) })),
  };
}
