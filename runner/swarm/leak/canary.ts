// Secrets of one run, and the part of each that is looked for. A secret is letters and digits, which every service, shell and
// URL takes as they are. Its canary is a piece from its inside: found also where the value was cut short or what stands
// before it swallowed its first character; and long enough that nothing else in the world reads like it. Pure.

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const alphabet = `${letters}0123456789`;
const canaryAt = 1;
const canaryLength = 12;
/** 62⁸ values: in a thousand million places one chance in 200,000. A shorter canary is not looked for. */
const canaryLengthMin = 8;
const lengthMax = 4096;

/** A value of `length` characters, the first a letter. `draw` gives that many random bytes. */
export function secretOf(length: number, draw: (bytes: number) => Uint8Array): string {
  if (!Number.isInteger(length) || length < 1 || length > lengthMax)
    throw new RangeError(`a secret has 1 to ${lengthMax} characters, not ${length}`);
  let value = pick(letters, 1, draw);
  while (value.length < length) value += pick(alphabet, length - value.length, draw);
  return value;
}

/** Null where the value is too short to be told from chance. */
export function canaryOf(value: string): string | null {
  const canary = [...value].slice(canaryAt, canaryAt + canaryLength).join('');
  return [...canary].length < canaryLengthMin ? null : canary;
}

/** Each character is as likely as any other: bytes past the last whole multiple of the choice are thrown away. */
function pick(choice: string, count: number, draw: (bytes: number) => Uint8Array): string {
  const even = 256 - (256 % choice.length);
  let picked = '';
  while (picked.length < count)
    for (const byte of draw(count - picked.length)) if (byte < even) picked += choice[byte % choice.length];
  return picked;
}
