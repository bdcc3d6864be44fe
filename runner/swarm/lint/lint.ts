// Lints an app's files and returns the findings for the record. Pure. An admitted app may still be poor; a finding of
// severity `error` fails the rung. The rules are in release.ts, service.ts, backup.ts and names.ts;
// docs/app-recipes-lint.md lists them.

import { AppRefused } from '../app/refused.ts';
import { backupRules } from './backup.ts';
import { groundOf, type LintFinding, type LintGround, type LintInput, type LintRule } from './ground.ts';
import { nameRules } from './names.ts';
import { releaseRules } from './release.ts';
import { serviceRules } from './service.ts';

const findingsMax = 200;
const charsMax = 300;

/** The rule that a file which cannot be parsed breaks. */
export const unreadable = { id: 'C001', severity: 'error', title: 'every file can be read' } as const;
export const rules: LintRule[] = [...releaseRules, ...serviceRules, ...backupRules, ...nameRules].toSorted((a, b) =>
  a.id < b.id ? -1 : 1,
);

/** Findings in the order of the rules; only C001 if a file can't be read, such as an overlay that is not used. */
export function lintApp(input: LintInput): LintFinding[] {
  try {
    const ground = groundOf(input);
    return rules.flatMap((rule) => findingsOf(rule, ground)).slice(0, findingsMax);
  } catch (error) {
    if (!(error instanceof AppRefused)) throw error;
    const [where = '', ...rest] = error.message.split(': ');
    return [bounded({ rule: unreadable.id, severity: 'error', where, what: rest.join(': '), fix: 'fix the file' })];
  }
}

function findingsOf({ id, severity, look }: LintRule, ground: LintGround): LintFinding[] {
  return look(ground).map((finding) => bounded({ rule: id, severity, ...finding }));
}

function bounded({ where, what, fix, ...rest }: LintFinding): LintFinding {
  return { ...rest, where: where.slice(0, charsMax), what: what.slice(0, charsMax), fix: fix.slice(0, charsMax) };
}
