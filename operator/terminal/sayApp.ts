// What an app's run proved, in words: each rung, the upgrade, the backup, the linter's findings, what was left behind.

import type { AppFacts, RunRecord, StageResult } from '../../state/entry/record.ts';
import { cleanLine, duration, type Painted, type Screen, styled } from './print.ts';

const findingsShown = 20;

/** Prints nothing for command recipes. */
export function sayApp({ app, stages, level, flags }: RunRecord, out: Screen): void {
  if (!app) return;
  for (const stage of stages) out.line(rungLine(stage, out));
  out.line(`  level ${level} of ${stages.length}`);
  if (app.crossover) out.line(`  upgraded ${app.crossover.from} → ${app.crossover.to}`);
  if (app.backedUp.length > 0) out.line(`  backed up: ${app.backedUp.join(', ')}`);
  sayFindings(app, out);
  for (const line of app.denied) out.line(styled`  ${out.paint.warn('denied')} ${cleanLine(line)}`);
  out.line(out.paint.dim(`  ${leftWords(app)}${secretWords(flags)}`));
}

function rungLine({ name, rung, ms, tests, skipped }: StageResult, { paint }: Screen): Painted {
  const word = rung === 'pass' ? paint.good('pass') : rung === 'fail' ? paint.bad('FAIL') : paint.warn(rung);
  const checks = tests === null ? 0 : tests.pass + tests.fail;
  const counts = checks === 0 ? '' : `${tests?.pass} of ${checks} passed  `;
  const words = skipped ? `${cleanLine(skipped)}  ` : counts;
  return styled`  ${word} ${name.padEnd(16)} ${words}${paint.dim(duration(ms))}`;
}

function sayFindings({ lint }: AppFacts, { paint, line }: Screen): void {
  for (const { rule, severity, where, what, fix } of lint.slice(0, findingsShown)) {
    const id = severity === 'error' ? paint.bad(rule) : paint.warn(rule);
    line(styled`  ${id} ${cleanLine(`${where}: ${what}; ${fix}`)}`);
  }
  if (lint.length > findingsShown) line(`  and ${lint.length - findingsShown} more findings`);
}

function leftWords({ deploys, residue, witnesses }: AppFacts): string {
  const intact = witnesses ? `, ${witnesses.intact} of ${witnesses.planted} witnesses intact` : '';
  return `${deploys.made} deployed, ${residue ?? 'unknown'} left after teardown${intact}`;
}

function secretWords({ no_secret_leak: none }: RunRecord['flags']): string {
  if (none === undefined) return '';
  return none ? ', no secret leaked' : ', a secret leaked';
}
