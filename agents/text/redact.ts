// Removes secrets from text before it is written down or shown to a model: known secrets by their value, other
// credentials by their form.

/** Shorter "secrets" are ignored: they would black out ordinary words. */
export const secretCharsMin = 6;
const mark = '[redacted]';

const forms: readonly RegExp[] = [
  /\b(authorization|proxy-authorization|x-api-key)(["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|token)\s+)?[^\s"',;]+/gi,
  /\b(bearer)(\s+)[A-Za-z0-9._~+/=-]{16,}/gi,
  /\b(sk-ant-)()[A-Za-z0-9_-]{8,}/g,
];
const headers: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'x-api-key']);

export type Redact = (text: string) => string;

/** A function that blacks out each of `secrets` (plain, base64, percent-encoded) and anything that looks like a key. */
export function redactor(secrets: readonly string[]): Redact {
  const known = secrets.filter((secret) => secret.length >= secretCharsMin).flatMap(spellings);
  // Longest first, so that a secret that contains another is removed whole.
  known.sort((a, b) => b.length - a.length);
  return (text) => {
    const without = known.reduce((rest, secret) => rest.replaceAll(secret, mark), text);
    return forms.reduce((rest, form) => rest.replace(form, `$1$2${mark}`), without);
  };
}

/** `value` with every string in it redacted, member names too; the value of a credential header is removed whole. */
export function redactDeep(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, redact));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([name, member]) => {
    const hidden = headers.has(name.toLowerCase()) && typeof member === 'string';
    return [redact(name), hidden ? mark : redactDeep(member, redact)];
  });
  return Object.fromEntries(members);
}

function spellings(secret: string): string[] {
  const variants = [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('base64url')];
  variants.push(encodeURIComponent(secret));
  return [...new Set(variants)];
}
