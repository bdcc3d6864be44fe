// Plain trails for tests: the two fixtures, the seeds if they are there, a text as the page of a git forge shows it,
// and short forms of what is read.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { PlainTrail, Where } from '../../state/plain/report.ts';
import { readPlainTrail } from '../../state/plain/trail.ts';

const seeds = new URL('../../../shared/seeds/', import.meta.url);

/** The text of the seed whose name starts with `prefix`; null if the seeds are missing. */
export function seedText(prefix: string): string | null {
  const name = existsSync(seeds) ? readdirSync(seeds).find((one) => one.startsWith(prefix)) : undefined;
  return name === undefined ? null : readFileSync(new URL(name, seeds), 'utf8');
}

export function fixtureText(name: string): string {
  return readFileSync(new URL(`../fixtures/plain/${name}`, import.meta.url), 'utf8');
}

export function read(text: string): PlainTrail {
  return readPlainTrail([{ name: 'f.md', text }]);
}

/** The text as copied from a forge's page: size and language above it, bars between the lines, no empty lines. */
export function webbed(text: string, second: '|' | '||'): string {
  const lines = text.trimEnd().split('\n');
  const rows = lines.map(
    (line, index) =>
      `${line === '' ? '' : `${line.trimStart()}\n`}${index === lines.length - 1 ? '|' : `|\n${second}\n`}`,
  );
  return `${lines.length} lines\n10 KiB\nMarkdown\n${rows.join('')}`;
}

/** Each verdict of each gate, such as `M1: FAIL 2026-03-02T11:40Z`. */
export function verdictsOf({ gates }: PlainTrail): string[] {
  return gates.flatMap(({ id, verdicts }) => verdicts.map(({ verdict, at }) => `${id}: ${verdict} ${at ?? '-'}`));
}

/** Each flag once, such as `sections-disagree M1`. */
export function flagsOf({ flags }: PlainTrail): string[] {
  return [...new Set(flags.map(({ kind, ids }) => [kind, ...ids].join(' ')))];
}

export function linesOf(where: Where[]): number[] {
  return where.map(({ line }) => line);
}
