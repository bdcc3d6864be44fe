// `coldpass audit`: the trail checked by what it holds and by what the operator knows besides (a fingerprint, a commit).

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AuditOptions, type AuditReport, audit } from '../../state/audit/audit.ts';
import { type Exit, exits } from '../terminal/errors.ts';
import { short } from '../terminal/lines.ts';
import { type Screen, styled } from '../terminal/print.ts';
import { here } from '../workspace/here.ts';
import type { Asked } from '../workspace/place.ts';

export type Audited = AuditReport & { exit: Exit };

/**
 * Of the workspace's hub, its heads.log beside it; or of the one at `hub`, anywhere. Whole, unless `sinceLast` asks for no more
 * than what came after the last sound audit. Exit 0 sound, 1 not.
 */
export async function auditTrail(
  asked: Asked,
  anchors: { root?: string; head?: string; hub?: string; sinceLast?: boolean },
): Promise<Audited> {
  const { hub, sinceLast = false, ...given } = anchors;
  const place = hub === undefined ? (await here(asked)).paths : null;
  const kept = { ...(place && { mark: place.auditMark }), sinceMark: sinceLast };
  const where = { hub: place?.hub ?? resolve(asked.dir, hub ?? ''), ...given, ...kept };
  const report = place ? await witnessed(where, place.headsLog) : await audit(where);
  return { exit: report.ok ? exits.yes : exits.no, ...report };
}

/** A trail on which nothing was appended yet has no heads.log; any other without one has lost it. */
export async function witnessed(where: AuditOptions, headsLog: string): Promise<AuditReport> {
  const bare = existsSync(headsLog) ? null : await audit(where);
  return bare?.entries === 0 ? bare : audit({ ...where, headsLog });
}

export function sayAudit(report: Audited, out: Screen): void {
  const { paint } = out;
  const { root, tail, problems } = report;
  for (const problem of problems) out.line(styled`${paint.bad('wrong')}  ${problemWords(problem)}`);
  for (const phase of report.phases) out.line(phaseWords(phase));
  out.line(`root ${root.fingerprint ?? 'unknown'}${root.assumed ? ' (assumed: give --root to be sure)' : ''}`);
  out.line(`tail ${tail}${tail === 'unwitnessed' ? ' (give --head to be sure)' : ''}`);
  for (const line of sparedWords(report)) out.line(line);
  const size = `${report.entries} entries in ${report.commits} commits, head ${report.head ?? 'unknown'}`;
  const sound = report.since?.entry ? `SOUND since #${report.since.entry}` : 'SOUND';
  const word = report.ok ? paint.good(sound) : paint.bad(`NOT SOUND, ${problems.length} wrong`);
  out.line(styled`${word}  ${size}`);
}

/** What was not looked at is said as loudly as what was. */
function sparedWords({ since, notes }: AuditReport): string[] {
  if (!since?.entry) return notes;
  const spared = `#1 to #${since.entry} were sound at ${since.at}, commit ${short(since.head)}, and were not looked at again`;
  return [`${spared}: damage done to them since shows in a whole audit alone`, ...notes];
}

function problemWords({ entry, commit, what }: AuditReport['problems'][number]): string {
  const where = [...(entry === null ? [] : [`#${entry}`]), ...(commit === null ? [] : [`commit ${short(commit)}`])];
  return [...(where.length > 0 ? [where.join(', ')] : []), what].join(': ');
}

function phaseWords({ id, status, gates, sandbox }: AuditReport['phases'][number]): string {
  const held = gates.flatMap(({ gate, holds }) => (holds ? [gate] : []));
  return `phase ${id}: ${status}${gates.length === 0 ? '' : `; gates that hold: ${held.join(', ') || 'none'}`}${sandbox === 'none' ? '; WITHOUT A SANDBOX, which counts in a demo alone' : ''}`;
}
