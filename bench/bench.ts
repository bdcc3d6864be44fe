// `npm run bench`: measures every figure that has a goal, each next to its comparison, in one run. Figures are medians
// unless marked p95. Machines are shared and noisy: compare figures of the same run only.

import { appLines, benchApp } from './app.ts';
import { benchAppend } from './append.ts';
import { auditLines, benchAudit } from './audit.ts';
import { benchClaim } from './claim.ts';
import { benchColdRun } from './coldrun.ts';
import { benchFold } from './fold.ts';
import { benchLeaks } from './leaks.ts';
import { benchSandbox } from './sandbox.ts';

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;

// This comes first, while this process is small: spawning from a larger process takes longer.
const sandbox = await benchSandbox();
if (sandbox) {
  const more = `${ms(sandbox.differenceMs)} more (${ms(sandbox.wholeDifferenceMs)} with teardown)`;
  say('sandbox start vs plain spawn', `${ms(sandbox.plainMs)} → ${ms(sandbox.boxedMs)}: ${more}`, '≤ 15 ms more');
} else say('sandbox start vs plain spawn', 'not measured: bubblewrap is missing', '≤ 15 ms more');

const append = await benchAppend();
say(
  'signed appends, 16 writers',
  `${append.perSecond.toFixed(0)} entries/s, p95 ${ms(append.p95Ms)}, ${append.lost} lost`,
  '≥ 500/s, p95 ≤ 50 ms, none lost',
);

const run = await benchColdRun();
const claim = await benchClaim();
const begins = claim.beginP95Ms + run.firstProcessP95Ms;
say("claim appended → the clone's first process", `p95 ${ms(begins)}`, 'p95 ≤ 100 ms');
say(
  'claim → signed record, empty recipe, 17 MB',
  `${ms(claim.recordP50Ms)}; by hand ${ms(claim.byHandP50Ms)}: ${claim.times.toFixed(2)}×`,
  '≤ 1.5×',
);
say('the cold run alone', `${ms(run.coldRunMs)}; by hand ${ms(run.byHandMs)}: ${run.times.toFixed(2)}×`, '');

const fold = benchFold();
say(`fold of ${fold.entries} entries`, `${ms(fold.foldMs)}; the gate rule on it ${ms(fold.gateReportMs)}`, '');

const leaks = await benchLeaks();
say(
  `${leaks.megabytes} MB searched for leaked secrets`,
  `text ${leaks.textSeconds.toFixed(1)} s, random bytes ${leaks.randomSeconds.toFixed(1)} s`,
  'seconds',
);

for (const [what, figures, goal] of auditLines(await benchAudit())) say(what, figures, goal);
for (const [what, figures, goal] of appLines(await benchApp())) say(what, figures, goal);

function say(what: string, figures: string, goal: string): void {
  console.log(`${what.padEnd(46)} ${figures}${goal === '' ? '' : `   (goal: ${goal})`}`);
}
