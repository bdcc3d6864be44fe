// An app's `.env.sample`: its variables, one per line, and the length of each generated secret, given in the comment
// after its version (`SECRET_DB_PASSWORD_VERSION=v1 # length=32`). Pure. Values may use variables from the lines above.

import { refuse, shown } from '../app/refused.ts';
import { interpolate, type Variables } from './interpolate.ts';

const linesMax = 2000;
const lengthMax = 512;
const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;

export type EnvSample = {
  values: Map<string, string>;
  /** The line that sets each variable: `.env.sample:12`. */
  at: Map<string, string>;
  /** The line of each variable that is only commented out. */
  commentedAt: Map<string, string>;
  /** The length of each secret, by its version variable. */
  lengths: Map<string, number>;
};

/**
 * `given` are variables that values may use; they win over what the file sets: STACK_NAME, DOMAIN. Throws AppRefused.
 */
export function envSample(text: string, file: string, given: ReadonlyMap<string, string>): EnvSample {
  const sample: EnvSample = { values: new Map(), at: new Map(), commentedAt: new Map(), lengths: new Map() };
  const lines = text.split(/\r?\n/);
  if (lines.length > linesMax) refuse(file, '', `it has more than ${linesMax} lines`, 'shorten it');
  for (const [index, line] of lines.entries()) readLine(sample, line.trimEnd(), `${file}:${index + 1}`, given);
  return sample;
}

function readLine(sample: EnvSample, line: string, at: string, given: ReadonlyMap<string, string>): void {
  const match = assignment.exec(line.replace(/^\s*#+\s*/, ''));
  const isComment = /^\s*#/.test(line);
  if (match === null) {
    if (!isComment && line.trim() !== '') refuse(at, '', `${shown(line)} is not a variable`, 'write NAME=value');
    return;
  }
  const [, name = '', rest = ''] = match;
  const length = /#.*\blength=(\d{1,4})\b/.exec(rest)?.[1];
  if (length !== undefined && !sample.lengths.has(name)) sample.lengths.set(name, lengthOf(length, at));
  if (isComment) {
    if (!sample.commentedAt.has(name)) sample.commentedAt.set(name, at);
    return;
  }
  const variables = { values: new Map([...sample.values, ...given]), commentedAt: sample.commentedAt };
  sample.values.set(name, resolvedValue(rest.trim(), variables, at));
  sample.at.set(name, at);
}

function lengthOf(written: string, at: string): number {
  const length = Number(written);
  return length >= 1 && length <= lengthMax
    ? length
    : refuse(at, '', `a secret has 1 to ${lengthMax} characters`, 'correct the length');
}

function resolvedValue(written: string, variables: Variables, at: string): string {
  const quoted = /^(['"])([\s\S]*?)\1\s*(#.*)?$/.exec(written);
  if (quoted?.[1] === "'") return quoted[2] as string;
  if (quoted === null && /^['"]/.test(written)) refuse(at, '', 'a quote is not closed', 'close it on the same line');
  const value = quoted === null ? written.replace(/(^|\s+)#.*$/, '') : (quoted[2] as string).replaceAll('\\"', '"');
  // abra resolves this template when it creates an app.
  return interpolate(value, variables, at).replace(/\{\{\s*\.Domain\s*\}\}/g, variables.values.get('DOMAIN') ?? '');
}
