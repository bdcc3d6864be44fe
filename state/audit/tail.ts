// Checks that the trail ends where its witnesses say. Nothing in a trail shows that its tail was cut. So this check
// needs a commit that somebody wrote down, or `heads.log`: a file beside the hub, fsynced before each acknowledgement.

import { readFile } from 'node:fs/promises';
import { TrailError } from '../entry/errors.ts';
import { Sha } from '../entry/ids.ts';
import { type Head, parseHeads } from '../trail/heads.ts';

export type Witnesses = { head?: string; headsLog?: string };

export type TrailEnd = {
  /** For each commit from the first one on, the number of entries up to it. */
  chain: ReadonlyMap<Sha, number>;
  place: { nextId: number };
};

const cut = 'its tail was cut, or it was rewritten';

type Fault = { entry: number | null; what: string };

/** Where the witnesses contradict the trail; empty if they agree with it or there are no witnesses. */
export async function tailFaults(end: TrailEnd, witnesses: Witnesses): Promise<Fault[]> {
  const { head, headsLog } = witnesses;
  return [
    ...(head === undefined ? [] : headFaults(end, head)),
    ...(headsLog === undefined ? [] : await logFaults(end, headsLog)),
  ];
}

function headFaults({ chain, place }: TrailEnd, head: string): Fault[] {
  const sha = Sha.safeParse(head);
  if (!sha.success)
    return [{ entry: null, what: `«${head.slice(0, 60)}» is not a full commit id: give all 40 digits` }];
  if (chain.has(sha.data)) return [];
  const what = `the trail ends at #${place.nextId - 1} without the commit ${head}: ${cut}`;
  return [{ entry: place.nextId, what }];
}

async function logFaults({ chain, place }: TrailEnd, file: string): Promise<Fault[]> {
  const read = await readLog(file);
  if ('why' in read) return [{ entry: null, what: read.why }];
  const wrong = read.lines.find(({ id, sha }) => chain.get(sha) !== id);
  if (wrong === undefined) return [];
  const has = chain.get(wrong.sha);
  const what =
    has === undefined
      ? `the trail ends at #${place.nextId - 1} without it`
      : `the trail has ${has} entries up to that commit`;
  const entry = Math.min(wrong.id, place.nextId);
  return [{ entry, what: `heads.log says that #${wrong.id} (${wrong.sha}) was acknowledged, but ${what}: ${cut}` }];
}

/** The number of a commit's last entry, according to heads.log; null if unknown. */
export async function entryInLog(file: string | undefined, commit: Sha): Promise<number | null> {
  const read = file === undefined ? null : await readLog(file);
  return read && 'lines' in read ? (read.lines.find(({ sha }) => sha === commit)?.id ?? null) : null;
}

async function readLog(file: string): Promise<{ lines: Head[] } | { why: string }> {
  try {
    const text = await readFile(file, 'latin1');
    // A last line without a newline was cut off by a crash: what it stands for was never acknowledged.
    const lines = parseHeads(text.slice(0, text.lastIndexOf('\n') + 1), file);
    return lines.length > 0 ? { lines } : { why: `${file} is empty, so nothing witnesses the tail` };
  } catch (error) {
    const { message } = error as Error;
    return {
      why: error instanceof TrailError ? message : `${file} cannot be read, so nothing witnesses the tail: ${message}`,
    };
  }
}
