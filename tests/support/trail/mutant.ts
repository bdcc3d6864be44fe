// Copies an honest trail and makes one thing in the copy wrong. The copy borrows the hub's objects, and only forged
// ones are written. Later commits are made again on top of the forged one, each signed with its role's key unless a
// mutation signs with another key: the attacker has all keys except the operator's.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../state/entry/entry.ts';
import { renderEntry } from '../../../state/entry/framing.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { subjectFor } from '../../../state/entry/subject.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { packOf } from '../../../state/git/packs.ts';
import { type Child, type GitObject, gitObject, treeObject } from '../../../state/git/trees.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { gitBytes } from '../repo.ts';
import type { Step } from './forge.ts';
import type { History } from './history.ts';

export type Files = Map<string, { bytes: Buffer; mode: string }>;

/** A commit to forge: what it appends and stores, and `edit`, which changes the files in other ways. */
export type Draft = Step & { edit?: (files: Files) => void; signer?: Signer; subject?: string };

export type Mutant = {
  /** The number of commits that stay as they are, not counting the first. */
  keep: number;
  drafts: Draft[];
  /** Branches that are not where they were in the history; null means that the branch is missing. */
  refs?: Record<string, Sha | null>;
};

/** Writes the mutant as a hub in `dir`, with the honest heads.log up to commit `until`. */
export async function writeMutant(history: History, { keep, drafts, refs }: Mutant, until: number, dir: string) {
  const objects: GitObject[] = [];
  const files = filesAt(history, keep);
  let head = history.chain[keep] as Sha;
  for (const draft of drafts) {
    const next = commitOf(files, head, draft, history);
    objects.push(...next);
    head = (next.at(-1) as GitObject).sha;
  }
  const pack = join(dir, 'objects', 'pack');
  mkdirSync(pack, { recursive: true });
  mkdirSync(join(dir, 'objects', 'info'));
  mkdirSync(join(dir, 'refs'));
  if (objects.length > 0) await writePack(pack, objects);
  writeFileSync(join(dir, 'objects', 'info', 'alternates'), `${join(history.hub.dir, 'objects')}\n`);
  writeFileSync(join(dir, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(dir, 'config'), readFileSync(join(history.hub.dir, 'config')));
  const all = { main: history.refs.main, 'phase/notes': history.refs.phase, trail: head, ...refs };
  const rows = Object.entries(all).flatMap(([name, sha]) => (sha === null ? [] : [`${sha} refs/heads/${name}\n`]));
  writeFileSync(join(dir, 'packed-refs'), rows.join(''));
  writeFileSync(join(dir, 'heads.log'), `${history.heads.slice(0, until + 1).join('\n')}\n`);
  return { hub: dir, headsLog: join(dir, 'heads.log'), head };
}

/** Every file as of commit `n` of the trail. */
export function filesAt(history: History, n: number): Files {
  const files: Files = new Map(
    genesisFiles(history).map(([path, bytes]) => [path, { bytes, mode: '100644' }] as const),
  );
  for (const step of history.steps.slice(0, n)) apply(files, step);
  return files;
}

const known = new Map<string, [string, Buffer][]>();

function genesisFiles({ hub }: History): [string, Buffer][] {
  const cached = known.get(hub.genesis);
  if (cached) return cached;
  const paths = gitBytes(hub.dir, ['ls-tree', '-r', '--name-only', hub.genesis]).toString().trim().split('\n');
  const files = paths.map((path): [string, Buffer] => [
    path,
    gitBytes(hub.dir, ['cat-file', 'blob', `${hub.genesis}:${path}`]),
  ]);
  known.set(hub.genesis, files);
  return files;
}

function apply(files: Files, { stored, entries, removes, edit }: Draft): void {
  for (const path of removes ?? []) files.delete(path);
  for (const [path, bytes] of stored) files.set(path, { bytes, mode: '100644' });
  for (const { path, entry } of entries) {
    const before = files.get(path) ?? { bytes: Buffer.alloc(0), mode: '100644' };
    files.set(path, { ...before, bytes: Buffer.concat([before.bytes, textOf(entry)]) });
  }
  edit?.(files);
}

export function textOf(entry: Entry): Buffer {
  return Buffer.from(renderEntry(entry));
}

/** The objects of one commit, the commit itself last. */
function commitOf(files: Files, parent: Sha, draft: Draft, { signers }: History): GitObject[] {
  apply(files, draft);
  const objects: GitObject[] = [];
  const tree = treeOf([...files], objects);
  const entries = draft.entries.map(({ entry }) => entry);
  const facts = {
    tree: tree.sha,
    // The other parents' lines follow that of the first parent, so that the signature covers all of them.
    parent: [parent, ...(draft.parents ?? [])].join('\nparent ') as Sha,
    role: draft.role,
    atMs: Date.parse(entries.at(-1)?.at ?? '2026-06-11T22:00:00Z'),
    subject: draft.subject ?? (entries.length > 0 ? subjectFor(entries) : 'tidy'),
  };
  return [...objects, signedCommit(facts, draft.signer ?? signers[draft.role])];
}

function treeOf(files: [string, { bytes: Buffer; mode: string }][], objects: GitObject[]): GitObject {
  const children = new Map<string, Child>();
  const folders = Map.groupBy(files, ([path]) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : ''));
  for (const [path, { bytes, mode }] of folders.get('') ?? []) {
    const blob = gitObject('blob', bytes);
    objects.push(blob);
    children.set(path, { mode, sha: blob.sha });
  }
  folders.delete('');
  for (const [name, inside] of folders) {
    const rest = inside.map(([path, file]) => [path.slice(name.length + 1), file] as (typeof inside)[number]);
    children.set(name, { mode: '40000', sha: treeOf(rest, objects).sha });
  }
  const tree = treeObject(children);
  objects.push(tree);
  return tree;
}

async function writePack(folder: string, objects: GitObject[]): Promise<void> {
  const once = [...new Map(objects.map((object) => [object.sha, object])).values()];
  const { name, pack, index } = await packOf(once);
  writeFileSync(join(folder, `${name}.pack`), pack);
  writeFileSync(join(folder, `${name}.idx`), index);
}
