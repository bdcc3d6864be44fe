// Text that fits: head and tail of what is too long, with what was left out and how to get at it.

const tailShare = 0.3;

/** `text` in at most about `bytesMax` bytes of valid Unicode; `rest` says how the middle can be had. */
export function bounded(text: string, bytesMax: number, rest: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= bytesMax) return bytes.toString();
  const tailBytes = Math.floor(bytesMax * tailShare);
  const head = whole(bytes.subarray(0, bytesMax - tailBytes), 'end');
  const tail = whole(bytes.subarray(bytes.length - tailBytes), 'start');
  const left = bytes.length - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return `${head}\n[… ${left} bytes left out; to see them, ${rest} …]\n${tail}`;
}

/** Cuts away the character that the cut went through, which decodes to replacement marks. */
function whole(bytes: Buffer, cutAt: 'start' | 'end'): string {
  const text = bytes.toString();
  return cutAt === 'end' ? text.replace(/\uFFFD+$/, '') : text.replace(/^\uFFFD+/, '');
}
