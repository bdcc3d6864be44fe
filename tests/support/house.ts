// Reads the sources for `tests/architecture.test.ts`: the code (without comments), the imports and the exports of
// each file. The rules are functions over a list of such files, so that a test can add a file that breaks a rule.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parser } from '@lezer/javascript';

export const top = resolve(import.meta.dirname, '..', '..');

export type Source = {
  path: string;
  /** The comment that the file opens with. */
  head: string;
  code: string;
  /** `to`: the path that a relative import leads to; null for a package. */
  imports: { name: string; to: string | null; isType: boolean }[];
  exports: string[];
};

export function sourcesOf(folders: string[], files: string[]): Source[] {
  return [...folders.flatMap((folder) => filesBelow(folder, '.ts')), ...files].map((path) =>
    sourceOf(path, readFileSync(join(top, path), 'utf8')),
  );
}

/** Reads `text` as the source at `path`; the file need not exist. */
export function sourceOf(path: string, text: string): Source {
  const code = text.replace(/^\s*(\/\/|\/\*\*|\*).*$/gm, '').replace(/\s\/\/ .*$/gm, '');
  const from = /\b(?:import|export)\b( type\b)?[^;'"`]*?\bfrom\s*'([^']+)'|\bimport\s*\(?'([^']+)'/g;
  return {
    path,
    head: /^(\/\/.*\n)*/.exec(text)?.[0] ?? '',
    code,
    imports: [...code.matchAll(from)].map(([, type, named, bare]) => {
      const name = named ?? (bare as string);
      const to = name.startsWith('.') ? relative(top, resolve(top, dirname(path), name)) : null;
      return { name, to, isType: type !== undefined };
    }),
    exports: [...code.matchAll(/^export (?:async )?(?:type|interface|class|function\*?|const|let) (\w+)/gm)].map(
      ([, name]) => name as string,
    ),
  };
}

export function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort();
}

/**
 * Returns the imports that lead to a higher room. `rooms`: the rooms of each folder, lowest first; a file directly in
 * the folder is in its room `.`. Two files are compared in the deepest folder that contains both, by their rooms there.
 */
export function upwards(sources: Source[], rooms: Record<string, string[]>): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ to }) => (to !== null && leadsUp(path, to, rooms) ? [`${path} imports ${to}`] : [])),
  );
}

function leadsUp(path: string, to: string, rooms: Record<string, string[]>): boolean {
  for (let folder = ''; ; ) {
    const order = rooms[folder];
    if (order === undefined) return false;
    const [own, other] = [roomIn(folder, path), roomIn(folder, to)];
    if (own !== other) return order.indexOf(other) > order.indexOf(own);
    if (own === '.') return false;
    folder = folder === '' ? own : `${folder}/${own}`;
  }
}

/** The room of `folder` in which the path lies. */
function roomIn(folder: string, path: string): string {
  const [first = '', ...rest] = path.slice(folder === '' ? 0 : folder.length + 1).split('/');
  return rest.length === 0 && folder !== '' ? '.' : first;
}

/** Folders that contain files but are not in `rooms`. */
export function unlisted(sources: Source[], rooms: Record<string, string[]>): string[] {
  const missing = sources.flatMap(({ path }) => {
    for (let folder = ''; rooms[folder] !== undefined; ) {
      const room = roomIn(folder, path);
      if (!rooms[folder]?.includes(room)) return [join(folder, room)];
      if (room === '.') return [];
      folder = folder === '' ? room : `${folder}/${room}`;
    }
    return [];
  });
  return [...new Set(missing)];
}

/** Returns one line for each circle of imports, including imports of types. */
export function circles(sources: Source[]): string[] {
  const leadTo = new Map(sources.map(({ path, imports }) => [path, imports.flatMap(({ to }) => to ?? [])]));
  const state = new Map<string, 'open' | 'done'>();
  const way: string[] = [];
  const met: string[] = [];
  const visit = (path: string): void => {
    state.set(path, 'open');
    way.push(path);
    for (const to of leadTo.get(path) ?? []) {
      if (state.get(to) === 'open') met.push([...way.slice(way.indexOf(to)), to].join(' → '));
      else if (!state.has(to)) visit(to);
    }
    way.pop();
    state.set(path, 'done');
  };
  for (const { path } of sources) if (!state.has(path)) visit(path);
  return met;
}

/** Names that more than one file exports. */
export function secondHomes(sources: Source[]): string[] {
  const homes = new Map<string, Set<string>>();
  for (const { path, exports } of sources)
    for (const name of exports) homes.set(name, (homes.get(name) ?? new Set()).add(path));
  return [...homes].filter(([, paths]) => paths.size > 1).map(([name, paths]) => `${name}: ${[...paths].join(', ')}`);
}

const typescript = parser.configure({ dialect: 'ts' });

/** Spreads of a literal (`{ ...{ a, b }, c }`): they evade the formatter and hide misspelt keys from the compiler. */
export function packingSpreads({ path, code }: Source): string[] {
  const lines: string[] = [];
  if (!/\.\.\.[{[]/.test(code)) return lines;
  typescript.parse(code).iterate({
    enter: ({ name, from, node }) => {
      const spread = node.nextSibling?.name;
      if (name !== 'Spread' || (spread !== 'ObjectExpression' && spread !== 'ArrayExpression')) return;
      lines.push(`${path}: ${code.slice(from, from + 40).replace(/\s+/g, ' ')}`);
    },
  });
  return lines;
}

/** Returns only the comments: strings in code may name files of other repositories. */
export function commentsOf(text: string): string {
  const lines = text.split('\n').filter((line) => /^\s*(\/\/|\/\*\*|\*)/.test(line));
  return [...lines, ...[...text.matchAll(/\s\/\/ .*$/gm)].map(([comment]) => comment)].join('\n');
}

/**
 * Paths of this repository that a text names. In `tests/` and `docs/`, only those in some folders count, since a
 * project may have folders of these names too.
 */
export function pathsIn(text: string): string[] {
  const folders = 'agents|bench|loop|operator|prompts|runner|state|docs/adr';
  const inTests = 'tests/(?:agents|attacks|live|loop|operator|runner|setup|state|support)';
  const named = new RegExp(`(?<![\\w./-])((?:${folders}|${inTests})/[\\w./-]+\\.(?:ts|md|sh|yml|json))(?![\\w-])`, 'g');
  return [...text.matchAll(named)].map(([, path]) => path as string);
}
