// Cuts text to a limit: keeps head and tail, and says how much was left out and how to see it.

const tailShare = 0.3;

/** `text` in at most about `bytesMax` bytes of valid Unicode; `rest` tells the reader how to get the middle. */
export function headAndTail(text: string, bytesMax: number, rest: string): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= bytesMax) return bytes.toString();
  const tailBytes = Math.floor(bytesMax * tailShare);
  const head = whole(bytes.subarray(0, bytesMax - tailBytes), 'end');
  const tail = whole(bytes.subarray(bytes.length - tailBytes), 'start');
  const left = bytes.length - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return `${head}\n[… ${left} bytes left out; to see them, ${rest} …]\n${tail}`;
}

/** Decodes the bytes. Drops a character that was cut in two: it would decode to replacement characters. */
function whole(bytes: Buffer, cutAt: 'start' | 'end'): string {
  const text = bytes.toString();
  return cutAt === 'end' ? text.replace(/\uFFFD+$/, '') : text.replace(/^\uFFFD+/, '');
}
