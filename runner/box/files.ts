// Lets the supervisor work in a tree that boxed code can write: it never opens a path there itself but asks the file
// service (runner/inside/files.ts), which runs in a box of a given role. Answers are not trusted: their lengths, shapes
// and deadlines are checked. A service that lies, floods, hangs or dies only makes a call fail; the next call starts a
// new service.

import { z } from 'zod';
import { plainText } from './collect.ts';
import { RunnerError } from './errors.ts';
import { broken, type Call, type FileAnswer, type FileService, parsed, serviceOver } from './fileservice.ts';
import type { BoxRole, Mount, Sandbox } from './sandbox.ts';

export const fileBytesMax = 16 * 1024 * 1024;
export const listEntriesMax = 10_000;
const callMs = 20_000;
const treeCallMs = 300_000;
const sessionSeconds = 24 * 3600;
const limits = { memoryMb: 1024, processes: 64, diskMb: 4096, seconds: sessionSeconds };

export type FileKind = {
  type: 'a file' | 'a folder' | 'a link' | 'a fifo' | 'a socket' | 'a device';
  size: number;
  mode: number;
};

/**
 * Paths are relative to the first mount, or absolute under any mount's target. Links are followed only within their
 * tree; `write`, `edit`, `remove` and `stat` do not follow a link that is the path's last part. Calls run one at a
 * time, in order. A call rejects, with RunnerError `box`, only if the service itself failed.
 */
export interface TreeFiles {
  /** Reads at most `bytesMax` bytes, and at most 16 MiB, from `offset`; `size` is the size of the whole file. */
  read(
    path: string,
    how: { bytesMax: number; offset?: number },
  ): Promise<FileAnswer<{ bytes: Buffer; size: number; mode: number }>>;
  /**
   * Makes missing folders; replaces the file atomically. Without `mode`, an existing file keeps its mode, and a new
   * file gets 644.
   */
  write(path: string, bytes: Uint8Array, mode?: number): Promise<FileAnswer>;
  /** Puts `after` in place of `before`, which must occur exactly once; `line`, from 1, is where `before` was. */
  edit(path: string, before: string, after: string): Promise<FileAnswer<{ line: number }>>;
  /** Removes a file, a link, or a folder with everything in it. */
  remove(path: string): Promise<FileAnswer>;
  mkdirs(path: string): Promise<FileAnswer>;
  /** Lists entries `depth` levels deep, each folder sorted by name; `cut` is true if there are more than `max`. */
  list(
    path: string,
    depth: number,
    max: number,
  ): Promise<FileAnswer<{ entries: (FileKind & { path: string })[]; cut: boolean }>>;
  stat(path: string): Promise<FileAnswer<FileKind>>;
  /** Copies the contents of `from` into `to`, which is made if missing; modes are kept, and links stay links. */
  copyTree(from: string, to: string): Promise<FileAnswer>;
  /** Bytes on disk used by `path` and everything below it. */
  diskUsage(path: string): Promise<FileAnswer<{ bytes: number }>>;
  close(): Promise<void>;
}

export type FilesOptions = { role: BoxRole; mounts: Mount[]; callMs?: number };

/** The service starts with the first call. `close` ends it; so does `sandbox.close()`. */
export function openFiles(sandbox: Sandbox, options: FilesOptions): TreeFiles {
  let service: FileService | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function call<T>(call: Call<T>): Promise<FileAnswer<T> & { body: Buffer }> {
    if (closed) throw new RunnerError('box', 'the file service is closed');
    service ??= await startService(sandbox, options);
    const deadlineMs = call.long ? treeCallMs : (options.callMs ?? callMs);
    try {
      return await service.ask(call, deadlineMs);
    } catch (error) {
      const failedService = service;
      service = null;
      await failedService.stop();
      throw error;
    }
  }
  function inTurn<T>(request: Call<T>): Promise<FileAnswer<T> & { body: Buffer }> {
    const answer = queue.then(() => call(request));
    queue = answer.catch(() => {});
    return answer;
  }
  async function plain<T extends object>(request: Call<T>): Promise<FileAnswer<T>> {
    const { body: _body, ...answer } = await inTurn(request);
    return answer as FileAnswer<T>;
  }

  return {
    async read(path, { bytesMax, offset = 0 }) {
      const most = Math.min(bytesMax, fileBytesMax);
      const { body, ...answer } = await inTurn({
        op: 'read',
        fields: { path, bytesMax: most, offset },
        shape: SizeAndMode,
        most,
      });
      return answer.ok ? { ...answer, bytes: body } : answer;
    },
    async write(path, bytes, mode) {
      if (bytes.length > fileBytesMax)
        return { ok: false, why: `${path}: at most ${fileBytesMax} bytes can be written` };
      return plain({ op: 'write', fields: { path, ...(mode === undefined ? {} : { mode }) }, shape: NoFields, bytes });
    },
    async edit(path, before, after) {
      const [old, bytes] = [Buffer.from(before), Buffer.from(before + after)];
      if (bytes.length > fileBytesMax) return { ok: false, why: `${path}: the texts are too long` };
      return plain({ op: 'edit', fields: { path, oldBytes: old.length }, shape: Line, bytes });
    },
    remove: (path) => plain({ op: 'remove', fields: { path }, shape: NoFields, long: true }),
    mkdirs: (path) => plain({ op: 'mkdirs', fields: { path }, shape: NoFields }),
    stat: (path) => plain({ op: 'stat', fields: { path }, shape: Kind }),
    async list(path, depth, max) {
      const fields = { path, depth, max: Math.min(max, listEntriesMax) };
      const { body, ...answer } = await inTurn({ op: 'list', fields, shape: ListHead, most: fileBytesMax });
      return answer.ok ? { ok: true, cut: answer.cut, entries: entriesOf(body, fields.max) } : answer;
    },
    copyTree: (from, to) => plain({ op: 'copyTree', fields: { path: from, to }, shape: NoFields, long: true }),
    diskUsage: (path) => plain({ op: 'diskUsage', fields: { path }, shape: Usage, long: true }),
    async close() {
      closed = true;
      await service?.stop();
    },
  };
}

const Count = z.number().int().nonnegative();
const NoFields = z.object({});
const SizeAndMode = z.object({ size: Count, mode: Count });
const Line = z.object({ line: Count });
const ListHead = z.object({ cut: z.boolean() });
const Usage = z.object({ bytes: Count });
const Kind = z.object({
  type: z.enum(['a file', 'a folder', 'a link', 'a fifo', 'a socket', 'a device']),
  size: Count,
  mode: Count,
});
const Entries = z.array(Kind.extend({ path: z.string().max(4096) }));

async function startService(sandbox: Sandbox, { role, mounts }: FilesOptions): Promise<FileService> {
  const trees = Object.fromEntries(mounts.map(({ target }) => [target, sandbox.inside(mounts, target)]));
  const boxed = await sandbox.start(
    {
      role,
      argv: [sandbox.kit.node, sandbox.kit.files, JSON.stringify(trees)],
      workdir: '/tmp',
      mounts,
      env: {},
      tools: [],
      hosts: [],
      limits,
      kit: true,
    },
    new AbortController().signal,
  );
  return serviceOver(boxed);
}

function entriesOf(body: Buffer, max: number): z.infer<typeof Entries> {
  const entries = Entries.max(max).safeParse(parsed(body));
  if (!entries.success) throw broken('a list of the wrong shape');
  return entries.data.map((entry) => ({ ...entry, path: plainText(Buffer.from(entry.path)) }));
}
