// `.env.sample` of an app: its variables, one a line, and how long each generated secret is, which stands in the comment after
// its version (`SECRET_DB_PASSWORD_VERSION=v1 # length=32`). Pure. Values may name variables of the lines above.

import { refuse, shown } from '../app/refused.ts';
import { interpolate, type Variables } from './interpolate.ts';

const linesMax = 2000;
const lengthMax = 512;
const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;

export type EnvSample = {
  values: Map<string, string>;
  /** Where each variable is set, and where one stands in a comment alone: `.env.sample:12`. */
  at: Map<string, string>;
  commentedAt: Map<string, string>;
  /** By the version's variable. */
  lengths: Map<string, number>;
};

/** `given` are variables that values may name besides, whatever the file says of them: STACK_NAME, DOMAIN. Throws Refused. */
export function envSample(text: string, file: string, given: ReadonlyMap<string, string>): EnvSample {
  const sample: EnvSample = { values: new Map(), at: new Map(), commentedAt: new Map(), lengths: new Map() };
  const lines = text.split(/\r?\n/);
  if (lines.length > linesMax) refuse(file, '', `it has more than ${linesMax} lines`, 'shorten it');
  for (const [index, line] of lines.entries()) readLine(sample, line.trimEnd(), `${file}:${index + 1}`, given);
  return sample;
}

function readLine(sample: EnvSample, line: string, at: string, given: ReadonlyMap<string, string>): void {
  const found = assignment.exec(line.replace(/^\s*#+\s*/, ''));
  const isComment = /^\s*#/.test(line);
  if (found === null) {
    if (!isComment && line.trim() !== '') refuse(at, '', `${shown(line)} is no variable`, 'write NAME=value');
    return;
  }
  const [, name = '', rest = ''] = found;
  const length = /#.*\blength=(\d{1,4})\b/.exec(rest)?.[1];
  if (length !== undefined && !sample.lengths.has(name)) sample.lengths.set(name, lengthOf(length, at));
  if (isComment) {
    if (!sample.commentedAt.has(name)) sample.commentedAt.set(name, at);
    return;
  }
  const variables = { values: new Map([...sample.values, ...given]), commentedAt: sample.commentedAt };
  sample.values.set(name, meant(rest.trim(), variables, at));
  sample.at.set(name, at);
}

function lengthOf(written: string, at: string): number {
  const length = Number(written);
  return length >= 1 && length <= lengthMax
    ? length
    : refuse(at, '', `a secret has 1 to ${lengthMax} characters`, 'correct it');
}

function meant(written: string, variables: Variables, at: string): string {
  const quoted = /^(['"])([\s\S]*?)\1\s*(#.*)?$/.exec(written);
  if (quoted?.[1] === "'") return quoted[2] as string;
  if (quoted === null && /^['"]/.test(written)) refuse(at, '', 'a quote is not closed', 'close it on the same line');
  const value = quoted === null ? written.replace(/(^|\s+)#.*$/, '') : (quoted[2] as string).replaceAll('\\"', '"');
  // abra fills this template in when an app is made.
  return interpolate(value, variables, at).replace(/\{\{\s*\.Domain\s*\}\}/g, variables.values.get('DOMAIN') ?? '');
}
