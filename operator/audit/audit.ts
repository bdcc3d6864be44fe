// `coldpass audit`: checks the trail against itself and against what you already know (a fingerprint, a commit).

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AuditOptions, type AuditReport, audit } from '../../state/audit/audit.ts';
import { type Exit, exits } from '../terminal/errors.ts';
import { short } from '../terminal/lines.ts';
import { type Screen, styled } from '../terminal/print.ts';
import { here } from '../workspace/here.ts';
import type { CommandContext } from '../workspace/place.ts';

export type AuditResult = AuditReport & { exit: Exit };

/**
 * Audits the workspace's hub with its heads.log; or only the hub at `hub`, if that is given. The audit is full, unless
 * `sinceLast` limits it to what came after the last sound one. Exit 0 if sound, 1 if not.
 */
export async function auditTrail(
  asked: CommandContext,
  anchors: { root?: string; head?: string; hub?: string; sinceLast?: boolean },
): Promise<AuditResult> {
  const { hub, sinceLast = false, ...known } = anchors;
  const place = hub === undefined ? (await here(asked)).paths : null;
  const mark = { ...(place && { mark: place.auditMark }), sinceMark: sinceLast };
  const where = { hub: place?.hub ?? resolve(asked.dir, hub ?? ''), ...known, ...mark };
  const report = place ? await witnessed(where, place.headsLog) : await audit(where);
  return { exit: report.ok ? exits.yes : exits.no, ...report };
}

/**
 * Audits a hub with its heads.log. Only an empty trail has no heads.log yet; any other trail without one has lost it.
 */
export async function witnessed(where: AuditOptions, headsLog: string): Promise<AuditReport> {
  const bare = existsSync(headsLog) ? null : await audit(where);
  return bare?.entries === 0 ? bare : audit({ ...where, headsLog });
}

export function sayAudit(report: AuditResult, out: Screen): void {
  const { paint } = out;
  const { root, tail, problems } = report;
  for (const problem of problems) out.line(styled`${paint.bad('wrong')}  ${problemWords(problem)}`);
  for (const phase of report.phases) out.line(phaseWords(phase));
  out.line(`root ${root.fingerprint ?? 'unknown'}${root.assumed ? ' (not verified: pass --root to verify it)' : ''}`);
  out.line(`tail ${tail}${tail === 'unwitnessed' ? ' (pass --head to verify it)' : ''}`);
  for (const line of skippedWords(report)) out.line(line);
  const size = `${report.entries} entries in ${report.commits} commits, head ${report.head ?? 'unknown'}`;
  const sound = report.since?.entry ? `SOUND since #${report.since.entry}` : 'SOUND';
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  const word = report.ok ? paint.good(sound) : paint.bad(`NOT SOUND, ${count}`);
  out.line(styled`${word}  ${size}`);
}

/** Reports what was skipped as clearly as what was checked. */
function skippedWords({ since, notes }: AuditReport): string[] {
  if (!since?.entry) return notes;
  const commit = short(since.head);
  const skipped = `#1 to #${since.entry} were sound at ${since.at}, commit ${commit}, and were not checked again`;
  return [`${skipped}: only a full audit finds later damage to them`, ...notes];
}

function problemWords({ entry, commit, what }: AuditReport['problems'][number]): string {
  const where = [...(entry === null ? [] : [`#${entry}`]), ...(commit === null ? [] : [`commit ${short(commit)}`])];
  return [...(where.length > 0 ? [where.join(', ')] : []), what].join(': ');
}

function phaseWords({ id, status, gates, sandbox }: AuditReport['phases'][number]): string {
  const held = gates.flatMap(({ gate, holds }) => (holds ? [gate] : []));
  return `phase ${id}: ${status}${gates.length === 0 ? '' : `; gates that hold: ${held.join(', ') || 'none'}`}${sandbox === 'none' ? '; WITHOUT A SANDBOX, which counts only in a demo' : ''}`;
}
