// Where entries are in git: the commit that appended each entry, and the entry's file in that commit. With both, `git
// show COMMIT:PATH` shows the entry as it was signed. This is for people who look; no decision depends on it.

import type { EntryId, Sha } from '../entry/ids.ts';
import { partOf } from '../entry/policy.ts';
import { git, gitText } from '../git/process.ts';
import { docs } from './history.ts';

export type EntryPlace = { commit: Sha; path: string };

/** The places of these entries on the trail that ends at `head`; entries that git cannot find are left out. */
export async function entryPlaces(hub: string, head: Sha, ids: readonly EntryId[]): Promise<Map<EntryId, EntryPlace>> {
  const places = new Map<EntryId, EntryPlace>();
  const byPath = Map.groupBy(await headings(hub, head, ids), ({ path }) => path);
  for (const [path, inFile] of byPath) {
    const lines = inFile.flatMap(({ line }) => ['-L', `${line},${line}`]);
    const blame = await gitText(hub, ['blame', '-s', '-l', '--root', ...lines, head, '--', path]);
    for (const row of blame.trimEnd().split('\n')) {
      const [, commit, line] = /^([0-9a-f]{40}) +(\d+)\) /.exec(row) ?? [];
      const entry = inFile.find((one) => one.line === Number(line));
      if (entry && commit) places.set(entry.id, { commit: commit as Sha, path });
    }
  }
  return places;
}

type Heading = { id: EntryId; path: string; line: number };

/** Finds the heading line of each entry. No line of a body can begin like a heading, so each heading is found once. */
async function headings(hub: string, head: Sha, ids: readonly EntryId[]): Promise<Heading[]> {
  if (ids.length === 0) return [];
  const names = (await gitText(hub, ['ls-tree', '--name-only', `${head}:${docs}`])).split('\n');
  const files = names.map((name) => `${docs}/${name}`).filter((path) => partOf(path) !== null);
  const pattern = `^## .* #(${ids.join('|')})$`;
  const { exit, stdout } = await git(hub, ['grep', '-n', '-E', '-e', pattern, head, '--', ...files]);
  if (exit !== 0) return [];
  return stdout
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .flatMap((row) => {
      const [, path, line, id] = /^[0-9a-f]{40}:([^:]+):(\d+):.* #(\d+)$/.exec(row) ?? [];
      return path ? [{ id: Number(id) as EntryId, path, line: Number(line) }] : [];
    });
}
