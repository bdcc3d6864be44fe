// How far an audit came, kept for whoever audits again: a file in his state, never part of the trail. It spares work and proves
// nothing: who can write it can make it say anything, so it counts only where it is asked for, and a whole audit never reads it.
// One that does not fit is put aside with the reason. What it hides: that something before it was damaged since.

import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../entry/digest.ts';
import { Digest, Sha } from '../entry/ids.ts';
import { isAncestor } from '../git/git.ts';
import type { Hub } from '../trail/hub.ts';
import type { Seen } from './read.ts';

const modeOfMark = 0o600;
/** All code that judges lies in it. */
const rules = join(import.meta.dirname, '..');

/** The first line of the file; the second is what was seen, as JSON. */
const Label = z.strictObject({
  v: z.literal(1),
  /** When. */
  at: z.iso.datetime(),
  /** Of the code that judged: other rules may judge otherwise. */
  rules: Digest,
  genesis: Sha,
  root: z.string(),
  /** Of the second line. */
  seen: Digest,
});

export type Mark = { at: string; seen: Seen };

/** What was seen up to a commit that this trail still holds in its place; else why it is of no use, in words. */
export async function readMark(file: string, hub: Hub, head: Sha): Promise<Mark | { why: string }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error)
    return { why: text.code === 'ENOENT' ? 'no audit was kept yet' : `what was kept cannot be read (${text.message})` };
  const [first = '', second = ''] = text.split('\n');
  const label = Label.safeParse(jsonIn(first));
  if (!label.success) return { why: 'what was kept is damaged' };
  const { at, rules, genesis, root, seen: digest } = label.data;
  if (digestOf(second) !== digest) return { why: 'what was kept is damaged' };
  if (rules !== (await rulesDigest())) return { why: 'what was kept is of another version of Coldpass' };
  if (genesis !== hub.genesis || root !== hub.root) return { why: `what was kept is of another trail (${root})` };
  const seen = JSON.parse(second) as Seen;
  // Ids stand for all that lies before them, so that its commit is on the trail says that the trail began as it did then.
  const isOn = await isAncestor(hub.dir, seen.place.head, head).catch(() => false);
  return isOn ? { at, seen } : { why: 'the trail no longer holds the commit at which it ended' };
}

/** Keeps what was seen, whole or not at all. Rejects with the disk's own error. */
export async function writeMark(file: string, { genesis, root }: Hub, seen: Seen): Promise<void> {
  const text = JSON.stringify(seen);
  const at = new Date().toISOString();
  const label: z.infer<typeof Label> = { v: 1, at, rules: await rulesDigest(), genesis, root, seen: digestOf(text) };
  await writeFile(`${file}.part`, `${JSON.stringify(label)}\n${text}\n`, { mode: modeOfMark });
  await rename(`${file}.part`, file);
}

/** One digest of all files of `state/`, in whatever folder of it: a change in any of them may change what is judged. */
export async function rulesDigest(folder = rules): Promise<Digest> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const names = files.map((file) => relative(folder, file)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return digestOf(texts.map((text, index) => `${names[index]} ${digestOf(text)}\n`).join(''));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
