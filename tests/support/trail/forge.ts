// Rewrites a trail as somebody with keys could: takes it apart into steps, which a test may change at will, and puts it
// back together, each commit signed by the key of its step's role. Refuses nothing that the funnel would refuse.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Entry } from '../../../state/entry/entry.ts';
import { parseEntries, renderEntry } from '../../../state/entry/framing.ts';
import type { Role, Sha } from '../../../state/entry/ids.ts';
import { committerOf, fileFor, partOf } from '../../../state/entry/policy.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { objectStore } from '../../../state/git/objects.ts';
import { type GitObject, gitObject, type ObjectType, withFiles } from '../../../state/git/trees.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { walkTrail } from '../../../state/trail/walk.ts';
import { git, gitBytes } from '../repo.ts';
import type { Made } from './phase.ts';

/** One commit: the entries that it appends and the bytes that it stores, each with its path. */
export type Step = {
  /** The role whose key signs the commit. */
  role: Role;
  entries: { path: string; entry: Entry }[];
  stored: Map<string, Buffer>;
  /** Paths that the commit removes. */
  removes?: string[];
  /** Further parents, besides the previous commit. */
  parents?: Sha[];
};

/** The steps of an honest trail, in order. */
export async function stepsOf({ hub }: Made): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const { changes } of walkTrail(hub.dir, hub.genesis, git(hub.dir, ['rev-parse', 'trail']) as Sha)) {
    const step: Step = { role: 'supervisor', entries: [], stored: new Map() };
    for (const { path, before, after } of changes) {
      if (partOf(path) === null) step.stored.set(path, after as Buffer);
      else
        step.entries.push(
          ...parseEntries((after as Buffer).subarray(before?.length ?? 0).toString()).map((entry) => ({ path, entry })),
        );
    }
    step.role = committerOf(step.entries[0]?.entry.role as Role);
    steps.push(step);
  }
  return steps;
}

/** The step that appends entry `id`. */
export function stepOf(steps: Step[], id: number): Step {
  const step = steps.find(({ entries }) => entries.some(({ entry }) => entry.id === id));
  if (step === undefined) throw new Error(`no step appends #${id}`);
  return step;
}

/** Entry `id` with its path, for a test to change in place. */
export function placed<E extends Entry = Entry>(steps: Step[], id: number): { path: string; entry: E } {
  return stepOf(steps, id).entries.find(({ entry }) => entry.id === id) as { path: string; entry: E };
}

/** Changes the facts of an entry; `forge` signs the commit again. */
export function refact(steps: Step[], id: number, change: Record<string, unknown>): void {
  const place = placed(steps, id);
  place.entry = { ...place.entry, facts: { ...place.entry.facts, ...change } } as Entry;
}

/** Adds a step with one entry at the end. */
export function addStep(steps: Step[], entry: Entry): void {
  steps.push({ role: committerOf(entry.role), entries: [{ path: fileFor(entry), entry }], stored: new Map() });
}

/**
 * Writes the steps as commits after the trail's first commit, moves the branch to the last one, and returns all
 * commits in order.
 */
export async function forge({ hub, signers }: Made, steps: Step[]): Promise<Sha[]> {
  const files = new Map(
    git(hub.dir, ['ls-tree', '-r', '--name-only', hub.genesis])
      .split('\n')
      .map((path): [string, Buffer] => [path, gitBytes(hub.dir, ['cat-file', 'blob', `${hub.genesis}:${path}`])]),
  );
  const objects: GitObject[] = [];
  const chain: Sha[] = [hub.genesis];
  for (const step of steps) {
    for (const path of step.removes ?? []) files.delete(path);
    for (const [path, bytes] of step.stored) files.set(path, bytes);
    for (const { path, entry } of step.entries) {
      files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), Buffer.from(renderEntry(entry))]));
    }
    const next = await commitOf(files, [chain.at(-1) as Sha, ...(step.parents ?? [])], step, signers);
    objects.push(...next);
    chain.push((next.at(-1) as GitObject).sha);
  }
  const store = objectStore(hub.dir);
  await store.write(objects);
  store.close();
  git(hub.dir, ['update-ref', 'refs/heads/trail', chain.at(-1) as Sha]);
  return chain;
}

async function commitOf(
  files: Map<string, Buffer>,
  parents: Sha[],
  step: Step,
  signers: Record<Role, Signer>,
): Promise<GitObject[]> {
  const blobs = [...files].map(([path, bytes]): [string, GitObject] => [path, gitObject('blob', bytes)]);
  const ids = new Map(blobs.map(([path, { sha }]): [string, Sha] => [path, sha]));
  const tree = await withFiles(new Map(), ids, () => Promise.reject(new Error('there is nothing to load')));
  const atMs = Date.parse(step.entries.at(-1)?.entry.at ?? '2026-06-11T21:00:00Z');
  // The other parents' lines follow that of the first parent, so that the signature covers all of them.
  const facts = { tree: tree.sha, parent: parents.join('\nparent ') as Sha, role: step.role, atMs, subject: 'forged' };
  return [...blobs.map(([, blob]) => blob), ...tree.objects, signedCommit(facts, signers[step.role])];
}

/** Unpacks every object of the hub into a separate file. */
export function explode(dir: string): void {
  git(dir, ['repack', '-adq']);
  const packs = join(dir, 'objects/pack');
  const aside = join(dir, 'aside');
  renameSync(packs, aside);
  mkdirSync(packs);
  for (const name of readdirSync(aside).filter((one) => one.endsWith('.pack')))
    execFileSync('git', ['-C', dir, 'unpack-objects', '-q'], { input: readFileSync(join(aside, name)), stdio: 'pipe' });
}

/** Puts other content under an object's id: a complete, readable object whose id is wrong. */
export function replaceObject(dir: string, id: string, change: (bytes: Buffer) => Buffer): void {
  const type = git(dir, ['cat-file', '-t', id]) as ObjectType;
  const bytes = change(gitBytes(dir, ['cat-file', type, id]));
  writeObject(dir, id, deflateSync(Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])));
}

/** Flips one bit in an object's file, as a failing disk does. */
export function damageObject(dir: string, id: string): void {
  const bytes = readFileSync(fileOf(dir, id));
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] as number) ^ 1;
  writeObject(dir, id, bytes);
}

function writeObject(dir: string, id: string, bytes: Buffer): void {
  const file = fileOf(dir, id);
  writeFileSync(`${file}.new`, bytes, { mode: 0o444 });
  renameSync(`${file}.new`, file);
}

function fileOf(dir: string, id: string): string {
  return join(dir, 'objects', id.slice(0, 2), id.slice(2));
}

/** A copy of the steps that may be changed without changing the originals. */
export function cloneSteps(steps: Step[]): Step[] {
  return steps.map((step) => ({
    ...step,
    entries: step.entries.map((one) => ({ ...one })),
    stored: new Map(step.stored),
  }));
}
