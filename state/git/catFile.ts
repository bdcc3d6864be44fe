// Reads many objects through one long-running `git cat-file --batch`: requests may be sent without waiting, and answers
// come in order. Git verifies ids as it reads. Answers stay in memory until the caller takes them, so ask in portions.

import { TrailError } from '../entry/errors.ts';
import { endGit, type GitOptions, startGit } from './process.ts';

export const objectBytesMax = 64 * 1024 * 1024;

export type ReadObject = { type: string; bytes: Buffer };

export type ObjectReader = {
  /**
   * The object that an id, or a name such as `refs/heads/main`, refers to; null if missing. Rejects with TrailError
   * 'bad-hub' if git has ended or the object is too large.
   */
  read(name: string): Promise<ReadObject | null>;
  /** Ends git; may be called twice. */
  close(): void;
};

type Waiting = { resolve(object: ReadObject | null): void; reject(error: Error): void };

/** A reader of the repository at `dir`, with the quarantine `objects` on top of it, if given. */
export function openObjects(dir: string, options: Pick<GitOptions, 'objects'> = {}): ObjectReader {
  const child = startGit(dir, ['cat-file', '--batch'], options);
  const waiting: Waiting[] = [];
  const take = answerReader((object) => waiting.shift()?.resolve(object));
  let gone: TrailError | null = null;

  function fail(why: string): void {
    gone ??= new TrailError('bad-hub', `objects of ${dir} cannot be read: ${why}`);
    for (const one of waiting.splice(0)) one.reject(gone);
    endGit(child);
  }

  child.stdout.on('data', (chunk: Buffer) => {
    const problem = take(chunk);
    if (problem !== null) fail(problem);
  });
  child.stderr.resume();
  child.once('error', (error) => fail(error.message));
  child.once('close', () => fail('git cat-file ended'));

  return {
    read: (name) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone);
        waiting.push({ resolve, reject });
        child.stdin.write(`${name}\n`);
      }),
    close: () => fail('it was closed'),
  };
}

/**
 * Parses chunks of git's batch format. The function that it returns gives a reason if a chunk does not fit the format,
 * else null.
 */
function answerReader(onObject: (object: ReadObject | null) => void): (chunk: Buffer) => string | null {
  let chunks: Buffer[] = [];
  let have = 0;
  let awaited: { type: string; bytes: number } | null = null; // null: a header line comes next

  return (chunk) => {
    chunks.push(chunk);
    have += chunk.length;
    // Joins a large body only once, when all of it has arrived.
    if (have < (awaited?.bytes ?? 0) + 1) return null;
    let rest = Buffer.concat(chunks);
    let problem: string | null = null;
    for (let used = -1; used !== 0 && problem === null; ) {
      [used, problem] = awaited === null ? header(rest) : body(rest, awaited);
      rest = rest.subarray(used);
    }
    chunks = [rest];
    have = rest.length;
    return problem;
  };

  function body(bytes: Buffer, object: { type: string; bytes: number }): [number, null] {
    if (bytes.length < object.bytes + 1) return [0, null];
    onObject({ type: object.type, bytes: bytes.subarray(0, object.bytes) });
    awaited = null;
    return [object.bytes + 1, null]; // a newline follows
  }

  function header(bytes: Buffer): [number, string | null] {
    const end = bytes.indexOf(0x0a);
    if (end < 0) return [0, null];
    const line = bytes.toString('latin1', 0, end);
    const [, type = '', size = ''] = line.split(' ');
    if (type === 'missing') onObject(null);
    else if (!/^\d+$/.test(size)) return [0, `git answered «${line.slice(0, 80)}»`];
    else if (Number(size) > objectBytesMax) return [0, `an object of ${size} bytes is too large`];
    else awaited = { type, bytes: Number(size) };
    return [end + 1, null];
  }
}
