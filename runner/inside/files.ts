// Runs INSIDE a box: the file service for trees that boxed code can write. Requests arrive on standard input, answers
// go to standard output; each consists of two lengths, then JSON and bytes of these lengths. Plain node without
// dependencies. The client is runner/box/files.ts; walk.ts resolves paths. Usage: node files.ts '{"/tree":"/tree"}'
// (each tree's name and its folder).

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { closeAll, folderIn, type HeldPath, keep, kindOf, openFolder, openPath, Refusal, walk } from './walk.ts';

const jsonBytesMax = 64 * 1024;
const bodyBytesMax = 16 * 1024 * 1024;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

type Details = {
  id: number;
  op: string;
  path: string;
  to?: string;
  bytesMax?: number;
  offset?: number;
  mode?: number;
  depth?: number;
  max?: number;
  oldBytes?: number;
};
type Answer = { fields?: object; body?: Buffer };

const operations: Record<string, (request: Details, body: Buffer) => Answer> = {
  read,
  write,
  edit,
  remove,
  mkdirs,
  stat,
  list,
  copyTree,
  diskUsage,
};

let waiting: Buffer = Buffer.alloc(0);
process.stdin.on('data', (chunk: Buffer) => {
  waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
  while (waiting.length >= 8) {
    const [json, body] = [waiting.readUInt32BE(0), waiting.readUInt32BE(4)];
    if (json > jsonBytesMax || body > bodyBytesMax) process.exit(1);
    if (waiting.length < 8 + json + body) return;
    const request = JSON.parse(waiting.toString('utf8', 8, 8 + json)) as Details;
    serve(request, waiting.subarray(8 + json, 8 + json + body));
    waiting = waiting.subarray(8 + json + body);
  }
});

function serve(request: Details, body: Buffer): void {
  try {
    const operation = operations[request.op];
    if (operation === undefined) throw new Refusal(`no such operation: ${request.op}`);
    const answer = operation(request, body);
    reply({ id: request.id, ok: true, ...answer.fields }, answer.body);
  } catch (error) {
    reply({ id: request.id, ok: false, why: inWords(error as NodeJS.ErrnoException, request.path) });
  } finally {
    closeAll();
  }
}

function reply(head: object, body: Buffer = Buffer.alloc(0)): void {
  const json = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  process.stdout.write(Buffer.concat([lengths, json, body]));
}

function read({ path, bytesMax = bodyBytesMax, offset = 0 }: Details): Answer {
  const { fd, size, mode } = openFile(path);
  const body = Buffer.alloc(Math.min(bytesMax, bodyBytesMax, Math.max(0, size - offset)));
  return { fields: { size, mode }, body: body.subarray(0, fill(fd, body, offset)) };
}

function write({ path, mode }: Details, body: Buffer): Answer {
  put(walk(path, { makeFolders: true, followLast: false }), path, body, mode);
  return {};
}

function edit({ path, oldBytes = 0 }: Details, body: Buffer): Answer {
  const [before, after] = [body.subarray(0, oldBytes), body.subarray(oldBytes)];
  if (before.length === 0) throw new Refusal('the text to replace is empty');
  const { fd, size, mode } = openFile(path, { followLast: false });
  if (size > bodyBytesMax) throw new Refusal(`${path} is too large to edit (${size} bytes)`);
  const text = Buffer.alloc(size);
  const whole = text.subarray(0, fill(fd, text, 0));
  const at = whole.indexOf(before);
  if (at < 0) throw new Refusal(`the text to replace is not in ${path}`);
  if (whole.indexOf(before, at + 1) >= 0) {
    throw new Refusal(`the text to replace is in ${path} more than once: include more of the surrounding text`);
  }
  const joined = Buffer.concat([whole.subarray(0, at), after, whole.subarray(at + before.length)]);
  put(walk(path, { followLast: false }), path, joined, mode);
  return { fields: { line: whole.subarray(0, at).toString('latin1').split('\n').length } };
}

function remove({ path }: Details): Answer {
  const { at, name } = walk(path, { followLast: false });
  if (name === '.') throw new Refusal(`${path} is the tree itself, which cannot be removed`);
  fs.rmSync(at, { recursive: true });
  return {};
}

function mkdirs({ path }: Details): Answer {
  openFolder(path, true);
  return {};
}

function stat({ path }: Details): Answer {
  return { fields: describe(fs.lstatSync(walk(path, { followLast: false }).at)) };
}

function list({ path, depth = 1, max = 1000 }: Details): Answer {
  const entries: object[] = [];
  const visit = (folder: number, prefix: string, left: number): void => {
    for (const name of fs.readdirSync(`/proc/self/fd/${folder}`).sort()) {
      if (entries.length > max) return;
      const status = fs.lstatSync(`/proc/self/fd/${folder}/${name}`, { throwIfNoEntry: false });
      if (status === undefined) continue;
      entries.push({ path: prefix + name, ...describe(status) });
      if (status.isDirectory() && left > 1) visit(folderIn(folder, name), `${prefix}${name}/`, left - 1);
    }
  };
  visit(openFolder(path, false), '', depth);
  return { fields: { cut: entries.length > max }, body: Buffer.from(JSON.stringify(entries.slice(0, max))) };
}

/** Copies a folder's contents: modes are kept, links stay links, fifos and sockets are recreated, never opened. */
function copyTree({ path, to = '' }: Details): Answer {
  const [from, into] = [openFolder(path, false), openFolder(to, true)];
  const args = ['-a', '--', `/proc/${process.pid}/fd/${from}/.`, `/proc/${process.pid}/fd/${into}/`];
  const { status, stderr } = spawnSync('cp', args, { maxBuffer: jsonBytesMax });
  if (status !== 0) throw new Refusal(`cannot copy ${path} to ${to}: ${stderr.toString().slice(0, 500)}`);
  return {};
}

function diskUsage({ path }: Details): Answer {
  const folder = openFolder(path, false);
  const { stdout } = spawnSync('du', ['-s', '-k', '-x', `/proc/${process.pid}/fd/${folder}/.`], {
    maxBuffer: jsonBytesMax,
  });
  return { fields: { bytes: Number.parseInt(stdout.toString(), 10) * 1024 } };
}

/** Checks the type before opening: a fifo or device is never touched. */
function openFile(path: string, how: { followLast?: boolean } = {}): { fd: number; size: number; mode: number } {
  const pathFd = keep(fs.openSync(walk(path, how).at, openPath | O_NOFOLLOW));
  const status = fs.fstatSync(pathFd);
  if (!status.isFile()) throw new Refusal(`${path} is ${kindOf(status)}, not a file`);
  const fd = keep(fs.openSync(`/proc/self/fd/${pathFd}`, O_RDONLY | O_NONBLOCK));
  return { fd, size: status.size, mode: status.mode & 0o7777 };
}

/**
 * Writes a file next to the target, then renames it: readers see the old file or the new one, and a link put in the
 * target's place is not followed.
 */
function put({ folder, name, at }: HeldPath, path: string, bytes: Buffer, mode?: number): void {
  const status = name === '.' ? undefined : fs.lstatSync(at, { throwIfNoEntry: false });
  if (name === '.' || (status !== undefined && !status.isFile())) {
    throw new Refusal(`${path} is ${status === undefined ? 'a folder' : kindOf(status)}, not a file`);
  }
  const draft = `/proc/self/fd/${folder}/.coldpass-${randomBytes(8).toString('hex')}`;
  const fd = fs.openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    fs.writeFileSync(fd, bytes);
    fs.fchmodSync(fd, (mode ?? status?.mode ?? 0o644) & 0o777);
    fs.renameSync(draft, at);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

function fill(fd: number, buffer: Buffer, offset: number): number {
  let done = 0;
  while (done < buffer.length) {
    const count = fs.readSync(fd, buffer, done, buffer.length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function describe(status: fs.Stats): { type: string; size: number; mode: number } {
  return { type: kindOf(status), size: status.size, mode: status.mode & 0o7777 };
}

const words: Record<string, string> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'part of the path is not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it already exists',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is read-only here',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'it is a link',
};

function inWords(error: NodeJS.ErrnoException, path: string): string {
  if (error instanceof Refusal) return error.message;
  return `${path}: ${words[error.code ?? ''] ?? error.message}`;
}
