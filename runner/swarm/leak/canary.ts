// Secrets of one run, and the part of each that the search looks for: its canary. A secret has only letters and digits,
// so no service, shell or URL needs to escape it. The canary is taken from inside the value, so it is found even if the
// value was cut short or lost its first character to the text before it; and it is too long to occur by chance. Pure.

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const alphabet = `${letters}0123456789`;
const canaryAt = 1;
const canaryLength = 12;
/**
 * A canary of 8 characters has 62⁸ values: over 10⁹ places, the chance of a false hit is 1 in 200,000. The search skips
 * shorter canaries.
 */
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

/** The canary of a value; null if the value is so short that a match could be chance. */
export function canaryOf(value: string): string | null {
  const canary = [...value].slice(canaryAt, canaryAt + canaryLength).join('');
  return [...canary].length < canaryLengthMin ? null : canary;
}

/** Every character is equally likely: bytes past the last whole multiple of the number of choices are discarded. */
function pick(choice: string, count: number, draw: (bytes: number) => Uint8Array): string {
  const even = 256 - (256 % choice.length);
  let picked = '';
  while (picked.length < count)
    for (const byte of draw(count - picked.length)) if (byte < even) picked += choice[byte % choice.length];
  return picked;
}
