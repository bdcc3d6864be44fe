// A small archive in memory, the format in which the engine accepts images and files. The same entries always give the
// same bytes: no times, no owners' names. Anything larger belongs in a stream.

import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type TarEntry =
  | { kind: 'file'; name: string; mode: number; bytes: Uint8Array }
  | { kind: 'folder'; name: string; mode: number }
  | { kind: 'link'; name: string; to: string };

/** Rejects if an entry's name does not fit into an archive. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const entry of entries)
    archive.entry(headerOf(entry), entry.kind === 'file' ? Buffer.from(entry.bytes) : undefined);
  archive.finalize();
  return bytes;
}

function headerOf(entry: TarEntry): Parameters<ReturnType<typeof pack>['entry']>[0] {
  const shared = { name: entry.name, mtime: new Date(0), uid: 0, gid: 0 };
  if (entry.kind === 'link') return { ...shared, type: 'symlink', linkname: entry.to, mode: 0o777 };
  if (entry.kind === 'folder') return { ...shared, type: 'directory', mode: entry.mode };
  return { ...shared, type: 'file', mode: entry.mode, size: entry.bytes.length };
}
