// Reads and writes a run's tree between steps: every path is opened in a box, never here. The file service writes
// files; a shell reads what a step wrote, because its box starts in a fraction of the time that the service takes.

import { RunnerError } from '../box/errors.ts';
import type { TreeFiles } from '../box/files.ts';
import type { FileAnswer } from '../box/fileservice.ts';
import type { Mount, Sandbox } from '../box/sandbox.ts';
import type { RunTree } from './engine.ts';

const limits = { memoryMb: 256, processes: 32, diskMb: 16, seconds: 60 };

// Between steps nothing else runs in the tree, so the file checked is the file read.
const reading = `[ -L "$1" ] && exit 61
[ -e "$1" ] || exit 62
[ -p "$1" ] && exit 63
[ -d "$1" ] && exit 64
[ -f "$1" ] || exit 65
case "$(realpath -- "$1")" in "$(pwd -P)"/*) ;; *) exit 66 ;; esac
exec head -c "$2" -- "$1"`;
const refusals: Record<number, string> = {
  61: 'is a link, not a file',
  62: 'does not exist',
  63: 'is a fifo, not a file',
  64: 'is a folder, not a file',
  65: 'is a device or socket, not a file',
  66: 'is behind a link that leads out of the tree',
};

const linking = 'mkdir -p -- "$(dirname -- "$1")" && ln -s -- "$2" "$1"';

type Ground = { sandbox: Sandbox; mounts: Mount[] };

/** See `RunTree.read`; the tree is whatever is mounted at /tree. */
export async function readInTree(
  ground: Ground,
  path: string,
  bytesMax: number,
): Promise<FileAnswer<{ bytes: Buffer; cut: boolean }>> {
  const { exit, bytes } = await shell(ground, reading, [path, String(bytesMax + 1)], bytesMax + 1);
  if (exit === 0) return { ok: true, bytes: bytes.subarray(0, bytesMax), cut: bytes.length > bytesMax };
  return { ok: false, why: refusals[exit ?? 0] ?? 'cannot be read' };
}

export function runTree(sandbox: Sandbox, { files, mounts }: { files: TreeFiles; mounts: Mount[] }): RunTree {
  async function remove(path: string): Promise<FileAnswer> {
    const there = await files.stat(path);
    return there.ok ? files.remove(path) : { ok: true };
  }

  return {
    read: (path, bytesMax) => readInTree({ sandbox, mounts }, path, bytesMax),
    async write(path, bytes, mode) {
      const there = await files.stat(path);
      if (there.ok && there.type !== 'a file') await files.remove(path);
      return files.write(path, bytes, mode);
    },
    async link(path, target) {
      const removed = await remove(path);
      if (!removed.ok) return removed;
      // A shell makes the link: the file service makes none, so that nobody can ask it for one that leads out of the
      // tree.
      const { exit } = await shell({ sandbox, mounts }, linking, [path, target], 0);
      return exit === 0 ? { ok: true } : { ok: false, why: 'the link could not be made' };
    },
    async list(path, max) {
      const listed = await files.list(path, 1, max);
      if (!listed.ok) return listed;
      const plain = listed.entries.filter(({ type }) => type === 'a file');
      return { ok: true, names: plain.map((entry) => entry.path.split('/').at(-1) ?? '') };
    },
    remove,
  };
}

async function shell(
  { sandbox, mounts }: Ground,
  script: string,
  args: string[],
  bytesMax: number,
): Promise<{ exit: number | null; bytes: Buffer }> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args];
  const command = { role: 'verify' as const, argv, workdir: '/tree', mounts, env: {}, tools: [], hosts: [], limits };
  const boxed = await sandbox.start(command, new AbortController().signal);
  boxed.stdin.end();
  boxed.stderr.resume();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of boxed.stdout) {
    if (bytes < bytesMax) chunks.push(chunk);
    bytes += chunk.length;
  }
  const { started, exit } = await boxed.done;
  if (!started) throw new RunnerError('box', 'no box could be made to read the tree');
  return { exit, bytes: Buffer.concat(chunks).subarray(0, bytesMax) };
}
