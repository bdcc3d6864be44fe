// The status in words. What needs you comes last, just above the prompt.

import { short } from '../terminal/lines.ts';
import { duration, type Painted, type Screen, styled } from '../terminal/print.ts';
import type { GateStatus, PhaseStatus, StatusReport } from './status.ts';

const unmetShown = 3;

export function sayStatus(report: StatusReport, out: Screen): void {
  const { paint } = out;
  const { workspace, demo, supervisor, trail } = report;
  const running = supervisor === null ? 'no supervisor running' : `supervisor running (process ${supervisor})`;
  const kind = demo ? ' (demo)' : '';
  out.line(styled`${paint.bold(workspace)}${kind}: ${running}; ${trail.entries} entries, head ${short(trail.head)}`);
  for (const phase of report.phases) sayPhase(phase, out, report.atMs);
  for (const phase of report.queued) out.line(styled`${paint.bold(phase)}  queued`);
  if (report.phases.length + report.queued.length === 0)
    out.line('no phase yet; start one with: coldpass plan new "TITLE"');
  if (report.actsWaiting > 0)
    out.line(`${counted(report.actsWaiting, 'signed act')} waiting for a supervisor; type: coldpass run`);
  if (report.inbox > 0)
    out.line(styled`${paint.warn(`${counted(report.inbox, 'item')} waiting for you`)}; see: coldpass inbox`);
}

function sayPhase(phase: PhaseStatus, out: Screen, nowMs: number): void {
  out.line(headline(phase, out));
  if (phase.status === 'done' || phase.status === 'abandoned') return;
  if (phase.parked) out.line(styled`  ${phase.parked.why}`);
  for (const gate of phase.gates) sayGate(gate, out);
  if (phase.unreproduced > 0) out.line(`  ${counted(phase.unreproduced, 'unreproduced finding')} (not blocking)`);
  for (const { what, sinceMs } of phase.doing)
    out.line(styled`  ${out.paint.dim('·')} ${what}, ${duration(nowMs - sinceMs)}`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
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
