// The mark: a file in the state folder, never part of the trail, that records for the next audit how far this one came.
// It saves work and proves nothing: whoever can write it can make it say anything, so it is used only on request, and a
// full audit never reads it. A mark that does not fit is ignored, with the reason. An audit that starts from a mark
// does not notice damage that has since been done to the part of the trail before the mark.

import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../entry/digest.ts';
import { Digest, Sha } from '../entry/ids.ts';
import { isAncestor } from '../git/git.ts';
import type { Hub } from '../trail/hub.ts';
import type { ReadingState } from './read.ts';

const modeOfMark = 0o600;
/** The folder with all code that judges. */
const rules = join(import.meta.dirname, '..');

/** The first line of the file; the second is the `Seen` as JSON. */
const Label = z.strictObject({
  v: z.literal(1),
  /** When the mark was written. */
  at: z.iso.datetime(),
  /** Digest of the code that judged, since other code may judge differently. */
  rules: Digest,
  genesis: Sha,
  root: z.string(),
  /** Digest of the second line. */
  seen: Digest,
});

export type Mark = { at: string; seen: ReadingState };

/** The mark, if this trail still contains the commit where the mark ends; otherwise why it cannot be used. */
export async function readMark(file: string, hub: Hub, head: Sha): Promise<Mark | { why: string }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (text instanceof Error)
    return {
      why: text.code === 'ENOENT' ? 'no earlier audit is on record' : `the mark cannot be read (${text.message})`,
    };
  const [first = '', second = ''] = text.split('\n');
  const label = Label.safeParse(jsonIn(first));
  if (!label.success) return { why: 'the mark is damaged' };
  const { at, rules, genesis, root, seen: digest } = label.data;
  if (digestOf(second) !== digest) return { why: 'the mark is damaged' };
  if (rules !== (await rulesDigest())) return { why: 'the mark is from another version of Coldpass' };
  if (genesis !== hub.genesis || root !== hub.root) return { why: `the mark is from another trail (${root})` };
  const seen = JSON.parse(second) as ReadingState;
  // A commit id covers all history before it: if the mark's commit is on the trail, the trail up to it is unchanged.
  const isOn = await isAncestor(hub.dir, seen.place.head, head).catch(() => false);
  return isOn ? { at, seen } : { why: 'the trail no longer contains the commit where the last audit ended' };
}

/** Writes the mark, completely or not at all. Rejects with the file system's error. */
export async function writeMark(file: string, { genesis, root }: Hub, seen: ReadingState): Promise<void> {
  const text = JSON.stringify(seen);
  const at = new Date().toISOString();
  const label: z.infer<typeof Label> = { v: 1, at, rules: await rulesDigest(), genesis, root, seen: digestOf(text) };
  await writeFile(`${file}.part`, `${JSON.stringify(label)}\n${text}\n`, { mode: modeOfMark });
  await rename(`${file}.part`, file);
}

/** One digest of all files in `state/`, at any depth: a change in any of them may change a judgement. */
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
