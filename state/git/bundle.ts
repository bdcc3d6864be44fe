// Reads the header of a git bundle. Git itself trusts a bundle's file name, accepts any ref in it, and (before 2.46)
// does not fsck it. This file accepts only a regular file of bounded size, version 2, whose only ref is HEAD. The pack
// follows the header.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Refused } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';

const headerBytesMax = 256 * 1024;
const signature = '# v2 git bundle';

export type Bundle = {
  head: Sha;
  /** Commits that the bundle builds on but does not contain. */
  prerequisites: Sha[];
  /** The pack; may be called once. The caller closes the bundle. */
  pack(): Readable;
  close(): Promise<void>;
};

/**
 * Opens a bundle from a stranger, without following links. Throws Refused, with a message for the sender, if the file
 * is anything but an acceptable bundle.
 */
export async function openBundle(path: string, bytesMax: number): Promise<Bundle> {
  const file = await openPlain(path);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Refused('the bundle is not a regular file');
    if (stat.size > bytesMax) throw new Refused(`the bundle has ${stat.size} bytes; at most ${bytesMax} are accepted`);
    const top = Buffer.alloc(Math.min(stat.size, headerBytesMax));
    await file.read(top, 0, top.length, 0);
    const end = top.indexOf('\n\n');
    if (end < 0) throw new Refused('this is not a git bundle');
    const { head, prerequisites } = readHeader(top.toString('utf8', 0, end));
    return {
      head,
      prerequisites,
      // If the file grows meanwhile, the rest is not read: the pack ends where the file ended when it was opened.
      pack: () => file.createReadStream({ start: end + 2, end: Math.max(stat.size - 1, end + 2), autoClose: false }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openPlain(path: string): Promise<FileHandle> {
  try {
    // Without NONBLOCK, opening a fifo would wait forever.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ELOOP' || code === 'ENXIO') throw new Refused('the bundle is not a regular file');
    if (code === 'ENOENT') throw new Refused('the bundle is missing');
    throw cause;
  }
}

function readHeader(text: string): { head: Sha; prerequisites: Sha[] } {
  const [first, ...lines] = text.split('\n');
  if (first !== signature)
    throw new Refused(`this is not a git bundle of version 2: make it with \`git bundle create\``);
  const prerequisites: Sha[] = [];
  const refs: { sha: Sha; name: string }[] = [];
  for (const line of lines) {
    const [, minus, sha, name] = /^(-?)([0-9a-f]{40})(?: (.*))?$/.exec(line) ?? [];
    if (sha === undefined) throw new Refused('the bundle has a header line that git does not write');
    if (minus) prerequisites.push(sha as Sha);
    else refs.push({ sha: sha as Sha, name: name ?? '' });
  }
  const [head] = refs;
  if (head === undefined || refs.length !== 1 || head.name !== 'HEAD') {
    const names = refs.map((ref) => ref.name.slice(0, 80)).join(', ');
    throw new Refused(`the bundle contains ${names || 'no ref'}: exactly HEAD is accepted`);
  }
  return { head: head.sha, prerequisites };
}
