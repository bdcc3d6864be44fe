// Lint of an app's files: every rule's findings, as the record holds them. Pure. What was admitted may still be poor; a finding of
// severity `error` fails the rung. The rules, by theme, are in lintRelease.ts, lintService.ts, lintBackup.ts and lintNames.ts;
// docs/app-recipes-lint.md lists them.

import { Refused } from '../app/refused.ts';
import { backupRules } from './backup.ts';
import { type Finding, type Ground, groundOf, type LintInput, type Rule } from './ground.ts';
import { nameRules } from './names.ts';
import { releaseRules } from './release.ts';
import { serviceRules } from './service.ts';

const findingsMax = 200;
const charsMax = 300;

/** Of a file that no rule can look at. */
export const unreadable = { id: 'C001', severity: 'error', title: 'every file can be read' } as const;
export const rules: Rule[] = [...releaseRules, ...serviceRules, ...backupRules, ...nameRules].toSorted((a, b) =>
  a.id < b.id ? -1 : 1,
);

/** In the order of the rules; none for an app without fault. An overlay that this run does not use may be unreadable. */
export function lintApp(input: LintInput): Finding[] {
  try {
    const ground = groundOf(input);
    return rules.flatMap((rule) => findingsOf(rule, ground)).slice(0, findingsMax);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const [where = '', ...rest] = error.message.split(': ');
    return [bounded({ rule: unreadable.id, severity: 'error', where, what: rest.join(': '), fix: 'mend the file' })];
  }
}

function findingsOf({ id, severity, look }: Rule, ground: Ground): Finding[] {
  return look(ground).map((found) => bounded({ rule: id, severity, ...found }));
}

function bounded({ where, what, fix, ...rest }: Finding): Finding {
  return { ...rest, where: where.slice(0, charsMax), what: what.slice(0, charsMax), fix: fix.slice(0, charsMax) };
}
