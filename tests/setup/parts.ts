// The parts of the suite that usually run only in part, because the whole takes many minutes. `npm run long` runs
// everything whole. Two parts also run whole once anything they depend on has changed since they last ran whole and
// passed: such a run stores the digest of what the part depends on in `whole.json`, which nothing else writes.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Part } from '../support/long.ts';

const top = resolve(import.meta.dirname, '..', '..');
const recordFile = 'tests/setup/whole.json';

/**
 * `files`: test files that call `isWhole`. `onlyWhole`: test files that are useless in part. `restsOn`: what a part
 * depends on: folders, and files with all that they import.
 */
export const parts: Record<Part, { files: string[]; onlyWhole: string[]; restsOn: string[] }> = {
  apps: {
    files: ['tests/live/recipes.swarm.test.ts'],
    onlyWhole: ['tests/live/phase.swarm.test.ts'],
    restsOn: ['tests/live/recipes.swarm.test.ts', 'recipes', 'package-lock.json'],
  },
  attacks: {
    files: ['theTests', 'environment', 'evidence', 'peeking', 'reviewer', 'behaviour'].map(
      (family) => `tests/attacks/cases/${family}.boxed.test.ts`,
    ),
    onlyWhole: [],
    restsOn: ['state/fold', 'state/controls', 'state/gate', 'tests/attacks'],
  },
};

/** What `npm run long` adds to `tests/live/long/`: all that usually runs in part, and properties with a fresh seed. */
export function longFiles(at = top): string[] {
  const tests = filesBelow('tests', at).filter((file) => file.endsWith('.test.ts') && !file.includes('/fixtures/'));
  const withProperties = tests.filter((file) => filesOf([file], at, 'tests/').has('tests/support/property.ts'));
  const inPart = ['tests/live/kill.test.ts', 'tests/live/life.test.ts', 'tests/state/audit/history.git.test.ts'];
  return [
    ...new Set([
      ...inPart,
      ...Object.values(parts).flatMap(({ files, onlyWhole }) => [...files, ...onlyWhole]),
      ...withProperties,
    ]),
  ];
}

/** Digest and time of each part's last whole run. */
export type WholeRuns = Partial<Record<Part, { digest: string; at: string }>>;

export function readWholeRuns(): WholeRuns {
  return JSON.parse(readFileSync(join(top, recordFile), 'utf8'));
}

/** Call it only for parts that have just run whole and passed. */
export function recordWhole(passed: Part[]): void {
  const last = readWholeRuns();
  const news = passed.filter((part) => last[part]?.digest !== digestOfPart(part));
  if (news.length === 0) return;
  const at = new Date().toISOString();
  for (const part of news) last[part] = { digest: digestOfPart(part), at };
  writeFileSync(join(top, recordFile), `${JSON.stringify(last, null, 2)}\n`);
}

/** The parts that must run whole, because what they depend on has changed since their last whole run. */
export function changedParts(last: WholeRuns = readWholeRuns(), at = top): Part[] {
  return (Object.keys(parts) as Part[]).filter((part) => last[part]?.digest !== digestOfPart(part, at));
}

export function digestOfPart(part: Part, at = top): string {
  const hash = createHash('sha256');
  for (const file of [...filesOf(parts[part].restsOn, at)].sort())
    hash.update(
      `${file} ${createHash('sha256')
        .update(readFileSync(join(at, file)))
        .digest('hex')}\n`,
    );
  return hash.digest('hex');
}

/** The files of the given folders; and the given files with all that they import, as far as it is below `under`. */
function filesOf(roots: string[], at: string, under = ''): Set<string> {
  const isFolder = (root: string) => statSync(join(at, root)).isDirectory();
  const files = new Set<string>();
  const todo = roots.filter((root) => !isFolder(root));
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    if (files.has(file) || !file.startsWith(under)) continue;
    files.add(file);
    if (file.endsWith('.ts')) todo.push(...importsOf(file, at));
  }
  for (const file of roots.filter(isFolder).flatMap((folder) => filesBelow(folder, at))) files.add(file);
  return files;
}

function filesBelow(folder: string, at: string): string[] {
  return readdirSync(join(at, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(at, join(entry.parentPath, entry.name)));
}

/** Relative imports of existing files: a string in a test may contain an import of a file that does not exist. */
function importsOf(file: string, at: string): string[] {
  const names = [...readFileSync(join(at, file), 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
  return names
    .map(([, name]) => relative(at, resolve(at, dirname(file), name as string)))
    .filter((path) => !path.startsWith('..') && statSync(join(at, path), { throwIfNoEntry: false })?.isFile());
}
