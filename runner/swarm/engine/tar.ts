// A small archive in memory (ustar), the format in which the engine accepts images and files. The same entries always
// give the same bytes: no times, no owners' names. Pure. Names have at most 100 bytes; anything larger belongs in a
// stream.

export type TarEntry =
  | { kind: 'file'; name: string; mode: number; bytes: Uint8Array }
  | { kind: 'folder'; name: string; mode: number }
  | { kind: 'link'; name: string; to: string };

const blockBytes = 512;
const nameBytesMax = 100;
const types = { file: '0', link: '2', folder: '5' };

export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => [header(entry), ...content(entry)]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function content(entry: TarEntry): Uint8Array[] {
  if (entry.kind !== 'file') return [];
  const over = entry.bytes.length % blockBytes;
  return [entry.bytes, Buffer.alloc(over === 0 ? 0 : blockBytes - over)];
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes);
  put(block, 0, entry.name);
  put(block, 157, entry.kind === 'link' ? entry.to : '');
  octal(block, 100, 8, entry.kind === 'link' ? 0o777 : entry.mode);
  for (const at of [108, 116]) octal(block, at, 8, 0);
  octal(block, 124, 12, entry.kind === 'file' ? entry.bytes.length : 0);
  octal(block, 136, 12, 0);
  block.write(types[entry.kind], 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  // The checksum is computed with its own field filled with spaces.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function put(block: Buffer, at: number, text: string): void {
  const bytes = Buffer.from(text);
  if (bytes.length > nameBytesMax) throw new RangeError(`a name of ${bytes.length} bytes is too long for an archive`);
  bytes.copy(block, at);
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}
