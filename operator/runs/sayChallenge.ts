// A challenged run in words: alike, or the recorded and the new results.

import { uncounted } from '../../state/entry/record.ts';
import { countWords, purposeWords } from '../terminal/lines.ts';
import { cleanLine, type Screen, styled } from '../terminal/print.ts';
import { recordCounts, sayRecord } from '../terminal/sayRecord.ts';
import type { ChallengeReport } from './challenge.ts';

const listedMax = 20;

export function sayChallenge(report: ChallengeReport, out: Screen): void {
  const { run, entry, purpose, comparison, record, logs } = report;
  const what = `${run}, ${purposeWords(purpose)}`;
  if (uncounted.has(record.outcome)) {
    sayRecord(record, out, logs);
    out.line(`cannot compare with ${what}`);
    return;
  }
  const word = comparison.alike ? out.paint.good('ALIKE') : out.paint.bad('DIFFERS');
  const counts = comparison.alike ? `: ${record.outcome}, ${countWords(recordCounts(record))}, each as recorded` : '';
  out.line(styled`${word}  ${what}${counts} (#${entry})`);
  if (!comparison.alike) sayDifferences(report, out);
}

function sayDifferences({ comparison, record, logs }: ChallengeReport, out: Screen): void {
  const { outcome, level, reproducer, differ, missing, added, same, cut } = comparison;
  for (const [name, both] of Object.entries({ outcome, level, ...(reproducer && { reproducer }) }))
    if (both.recorded !== both.now) out.line(`  ${name}: ${both.recorded} then, ${both.now} now`);
  if (outcome.recorded !== outcome.now) out.line(`  ${cleanLine(record.reason)}`);
  sayTests(
    `${differ.length} differ`,
    differ.map(({ id, recorded, now }) => `${id}: ${recorded} then, ${now} now`),
    out,
  );
  sayTests(`${missing.length} missing now`, missing, out);
  sayTests(`${added.length} new now`, added, out);
  out.line(`  ${same} ${same === 1 ? 'test is' : 'tests are'} as recorded`);
  if (cut) out.line('  a record does not contain all its tests, so some may only seem missing or new');
  out.line(styled`  ${out.paint.dim('→')} full output: ${logs}`);
}

function sayTests(title: string, lines: string[], out: Screen): void {
  if (lines.length === 0) return;
  out.line(`  ${title}:`);
  for (const line of lines.slice(0, listedMax)) out.line(styled`    ${out.paint.bad('✗')} ${cleanLine(line)}`);
  if (lines.length > listedMax) out.line(`    and ${lines.length - listedMax} more`);
}
