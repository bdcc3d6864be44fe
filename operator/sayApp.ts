// What an app's run proved, in words: each rung, the crossing of versions, what the linter found, what was left.

import type { RunRecord } from '../state/record.ts';
import { cleanLine, duration, type Screen, styled } from './print.ts';

const findingsShown = 20;

/** Nothing for runs of commands. */
export function sayApp({ app, stages, level, flags }: RunRecord, out: Screen): void {
  if (!app) return;
  const { paint } = out;
  for (const { name, rung, ms, tests, skipped } of stages) {
    const counts = tests === null ? '' : `${tests.pass} of ${tests.pass + tests.fail} held`;
    const why = skipped ? cleanLine(skipped) : counts;
    const word = rung === 'pass' ? paint.good('pass') : rung === 'fail' ? paint.bad('FAIL') : paint.warn(rung);
    out.line(styled`  ${word} ${name.padEnd(16)} ${why}  ${paint.dim(duration(ms))}`);
  }
  const { crossover, deploys, residue, witnesses } = app;
  out.line(`  level ${level} of ${stages.length}`);
  if (crossover) out.line(`  upgraded ${crossover.from} → ${crossover.to}`);
  if (app.backedUp.length > 0) out.line(`  backed up: ${app.backedUp.join(', ')}`);
  for (const { rule, severity, where, what, fix } of app.lint.slice(0, findingsShown))
    out.line(
      styled`  ${severity === 'error' ? paint.bad(rule) : paint.warn(rule)} ${cleanLine(`${where}: ${what}; ${fix}`)}`,
    );
  if (app.lint.length > findingsShown) out.line(`  and ${app.lint.length - findingsShown} more findings`);
  for (const line of app.denied) out.line(styled`  ${paint.warn('denied')} ${cleanLine(line)}`);
  const seen = witnesses ? `, ${witnesses.intact} of ${witnesses.planted} witnesses intact` : '';
  const secrets =
    flags.no_secret_leak === undefined ? '' : flags.no_secret_leak ? ', no secret got out' : ', a secret got out';
  out.line(paint.dim(`  ${deploys.made} deployed, ${residue ?? 'unknown'} left after teardown${seen}${secrets}`));
}
