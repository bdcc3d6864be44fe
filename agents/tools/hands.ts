// What an agent does in its own clone: a shell and files, always through a box. The supervisor never opens a path in
// the clone. Whatever a box outputs is untrusted, so it is returned as data.

import { collect } from '../../runner/box/collect.ts';
import { RunnerError } from '../../runner/box/errors.ts';
import { openFiles, type TreeFiles } from '../../runner/box/files.ts';
import type { BoxCommand, Sandbox } from '../../runner/box/sandbox.ts';
import type { Datum } from '../text/fence.ts';
import type { Extract as Lines, TextChange, ToolHost, ToolReply } from './host.ts';

const outputBytesMax = 12 * 1024;
const readBytesMax = 4 * 1024 * 1024;

export type CloneTools = Pick<ToolHost, 'shell' | 'read' | 'edit'> & { close(): Promise<void> };

/** Opens a shell and files in the clone that `box` mounts at `/tree`; `close` ends whatever still runs. */
export function openCloneTools(sandbox: Sandbox, box: Omit<BoxCommand, 'argv'>): CloneTools {
  const files = openFiles(sandbox, { role: box.role, mounts: box.mounts });
  return {
    shell: (command, seconds, signal) =>
      shell(sandbox, { ...box, argv: ['sh', '-c', command], limits: { ...box.limits, seconds } }, signal),
    read: (path, lines) => inWords(readLines(files, path, lines)),
    edit: (path, change) => inWords(edit(files, path, change)),
    close: () => files.close(),
  };
}

async function shell(sandbox: Sandbox, command: BoxCommand, signal: AbortSignal): Promise<ToolReply> {
  const boxed = await sandbox.start(command, signal);
  boxed.stdin.end();
  const half = outputBytesMax / 2;
  const limits = { headBytes: half, tailBytes: half };
  // Left unfiltered, because the model should see invisible characters: the session's fence makes them visible.
  const raw = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const [out, err, end] = await Promise.all([
    collect(boxed.stdout, limits, raw),
    collect(boxed.stderr, limits, raw),
    boxed.done,
  ]);
  const data: Datum[] = [
    { what: 'refused by the network', text: boxed.denials().join('\n') },
    { what: 'standard output', text: headAndTail(out) },
    { what: 'standard error', text: headAndTail(err) },
  ];
  const text = end.timedOut
    ? `ended after ${command.limits.seconds} s`
    : end.started
      ? `exit ${end.exit ?? end.signal}`
      : 'the box could not be started';
  return { ok: end.started, text, data: data.filter((datum) => datum.text !== '') };
}

function headAndTail({ head, tail, bytes }: { head: string; tail: string; bytes: number }): string {
  if (tail === '') return head;
  return `${head}\n… (${bytes} bytes in all, middle left out) …\n${tail}`;
}

async function readLines(files: TreeFiles, path: string, { from, lines }: Lines): Promise<ToolReply> {
  const read = await files.read(path, { bytesMax: readBytesMax });
  if (!read.ok) return { ok: false, text: read.why };
  const all = read.bytes.toString('utf8').split('\n');
  const part = all.slice(from - 1, from - 1 + lines).map((line, i) => `${from + i}\t${line}`);
  const left = all.length - (from - 1 + lines);
  const text = `lines ${from} to ${from - 1 + part.length} of ${all.length}${left > 0 ? `; ${left} more` : ''}`;
  return { ok: true, text, data: [{ what: `lines of ${path}`, text: part.join('\n') }] };
}

async function edit(files: TreeFiles, path: string, { find, text }: TextChange): Promise<ToolReply> {
  const done = find === null ? await files.write(path, Buffer.from(text, 'utf8')) : await files.edit(path, find, text);
  return done.ok ? { ok: true, text: `${path} is written` } : { ok: false, text: done.why };
}

/** A broken file service means that the agent's own box failed: tells the agent; the next call starts a new one. */
async function inWords(reply: Promise<ToolReply>): Promise<ToolReply> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof RunnerError) return { ok: false, text: error.message };
    throw error;
  }
}
