// The status in words: what needs the operator comes last, where the eye stops.

import { short } from '../terminal/lines.ts';
import { duration, type Painted, type Screen, styled } from '../terminal/print.ts';
import type { GateStatus, PhaseStatus, StatusReport } from './status.ts';

const unmetShown = 3;

export function sayStatus(report: StatusReport, out: Screen): void {
  const { paint } = out;
  const { workspace, demo, supervisor, trail } = report;
  const runs = supervisor === null ? 'nobody runs it' : `process ${supervisor} runs it`;
  const kind = demo ? ', a demo' : '';
  out.line(styled`${paint.bold(workspace)}${kind}: ${runs}; ${trail.entries} entries, head ${short(trail.head)}`);
  for (const phase of report.phases) sayPhase(phase, out, report.atMs);
  for (const phase of report.queued) out.line(styled`${paint.bold(phase)}  queued`);
  if (report.phases.length + report.queued.length === 0)
    out.line('no phase yet; begin one with: coldpass plan new "TITLE"');
  if (report.actsWaiting > 0) out.line(`${report.actsWaiting} of your acts wait to be taken up; type: coldpass run`);
  if (report.inbox > 0) out.line(styled`${paint.warn(`${report.inbox} for you`)}; see: coldpass inbox`);
}

function sayPhase(phase: PhaseStatus, out: Screen, nowMs: number): void {
  out.line(headline(phase, out));
  if (phase.status === 'done' || phase.status === 'abandoned') return;
  if (phase.parked) out.line(styled`  ${phase.parked.why}`);
  for (const gate of phase.gates) sayGate(gate, out);
  if (phase.unreproduced > 0)
    out.line(
      `  ${phase.unreproduced} ${phase.unreproduced === 1 ? 'finding' : 'findings'} did not reproduce, and do not block`,
    );
  for (const { what, sinceMs } of phase.doing)
    out.line(styled`  ${out.paint.dim('·')} ${what}, ${duration(nowMs - sinceMs)}`);
}

function headline({ phase, status, parked, head, ...spent }: PhaseStatus, { paint }: Screen): Painted {
  const how =
    status === 'done' ? paint.outcome('DONE') : parked ? paint.warn(`parked: ${parked.reason}`) : paint.bold(status);
  const at = head === null ? '' : ` at ${short(head)}`;
  const cost = `$${spent.spentUsd.toFixed(2)} of $${spent.budgetUsd}, ${spent.claims} of ${spent.claimsMax} claims`;
  return styled`${paint.bold(phase)}  ${how}${at}; ${cost}`;
}

function sayGate({ gate, state, claim, unmet }: GateStatus, out: Screen): void {
  const { paint } = out;
  const word = state === 'holds' ? paint.good(state) : state === 'unclaimed' ? paint.dim(state) : paint.outcome(state);
  const at = claim === null ? '' : ` #${claim.id} at ${short(claim.sha)}`;
  out.line(styled`  ${gate.padEnd(6)} ${word}${at}`);
  if (state === 'unclaimed') return;
  for (const why of unmet.slice(0, unmetShown)) out.line(styled`         ${why}`);
  if (unmet.length > unmetShown)
    out.line(styled`         and ${unmet.length - unmetShown} more; see: coldpass explain ${gate}`);
}
