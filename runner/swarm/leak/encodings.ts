// Every encoding in which the search looks for a secret. A form is the bytes that occur in the text whenever the canary
// is encoded as part of something longer: a digit that also encodes bits of a neighbour (base64, base32) is left off.
// `scan.ts` finds forms split over lines, `members.ts` finds compressed data. Pure.

export type Form = { encoding: string; bytes: Buffer };

/** No two forms have the same bytes; if several encodings write the same form, the first encoding is named. */
export function formsOf(canary: string): Form[] {
  const forms = new Map<string, Form>();
  for (const [encoding, write] of Object.entries(encodings)) {
    for (const form of write(canary)) {
      const bytes = typeof form === 'string' ? Buffer.from(form) : form;
      const key = bytes.toString('latin1');
      if (!forms.has(key)) forms.set(key, { encoding, bytes });
    }
  }
  return [...forms.values()];
}

type Write = (canary: string) => (string | Buffer)[];

const encodings: Record<string, Write> = {
  raw: (text) => [text],
  base64: (text) => base64Of(Buffer.from(text)),
  base64url: (text) => base64Of(Buffer.from(text)).map(urlSafe),
  'base64 twice': (text) => base64Of(Buffer.from(text)).flatMap((once) => base64Of(Buffer.from(once))),
  base32: (text) => base32Of(Buffer.from(text)).flatMap(bothCases),
  hex: (text) => bothCases(Buffer.from(text).toString('hex')),
  'hex with colons': (text) => bothCases(bytesOf(text).map(hex2).join(':')),
  'URL, every character': (text) => hexForms(bytesOf(text), (digits) => `%${digits}`),
  URL: (text) => [encodeURIComponent(text), encodeURIComponent(text).replaceAll('%20', '+')],
  'JSON, every character': (text) => hexForms(unitsOf(text), (digits) => `\\u${digits.padStart(4, '0')}`),
  JSON: (text) => [JSON.stringify(text).slice(1, -1), JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/')],
  'XML, decimal': (text) => [
    pointsOf(text)
      .map((point) => `&#${point};`)
      .join(''),
  ],
  'XML, hexadecimal': (text) => ['x', 'X'].flatMap((x) => hexForms(pointsOf(text), (digits) => `&#${x}${digits};`)),
  'XML, named': (text) => ['&apos;', '&#39;'].map((quote) => xmlOf(text, quote)),
  'shell, quoted': (text) => [
    ...[`'\\''`, `'"'"'`].map((quote) => text.replaceAll("'", quote)),
    ...[/["$`\\]/g, /[^\p{L}\p{N}\p{So}@%+=:,./_-]/gu].map((special) => text.replace(special, '\\$&')),
  ],
  'shell, every character': (text) => [[...text].map((char) => `\\${char}`).join('')],
  'C, hexadecimal': (text) => hexForms(bytesOf(text), (digits) => `\\x${digits}`),
  'C, octal': (text) => [
    bytesOf(text)
      .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
      .join(''),
  ],
  'quoted-printable': (text) => hexForms(bytesOf(text), (digits) => `=${digits}`),
  reversed: (text) => [[...text].reverse().join('')],
  'UTF-16': (text) => [Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()],
};

/** The names of the encodings, in the order in which they are tried. */
export const encodingNames: readonly string[] = Object.keys(encodings);

/**
 * For each of the three offsets in a group at which `bytes` may begin: the digits that no neighbouring byte affects.
 */
function base64Of(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) =>
    inner(Buffer.concat([Buffer.alloc(before), bytes]).toString('base64'), before, bytes, 6),
  );
}

function base32Of(bytes: Buffer): string[] {
  return [0, 1, 2, 3, 4].map((before) =>
    inner(toBase32(Buffer.concat([Buffer.alloc(before), bytes])), before, bytes, 5),
  );
}

function inner(text: string, before: number, { length }: Buffer, bitsEach: number): string {
  return text.slice(Math.ceil((before * 8) / bitsEach), Math.floor(((before + length) * 8) / bitsEach));
}

function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

function urlSafe(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

function hexForms(values: number[], write: (digits: string) => string): string[] {
  const digits = values.map(hex2);
  return [digits.map(write).join(''), digits.map((each) => write(each.toUpperCase())).join('')];
}

function bothCases(text: string): string[] {
  return [text.toLowerCase(), text.toUpperCase()];
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function bytesOf(text: string): number[] {
  return [...Buffer.from(text)];
}

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function pointsOf(text: string): number[] {
  return [...text].map((char) => char.codePointAt(0) as number);
}

function xmlOf(text: string, quote: string): string {
  const named = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return named.replaceAll('"', '&quot;').replaceAll("'", quote);
}
