// The `trail` tool, with which an agent looks up an entry in full, a run's record, or a list of entries. The Adversary
// never sees the journal of the phase that it judges.

import type { ToolReply, TrailQuery } from '../../agents/tools/host.ts';
import type { Entry } from '../../state/entry/entry.ts';
import { renderEntry } from '../../state/entry/framing.ts';
import type { AgentRole, PhaseId } from '../../state/entry/ids.ts';
import type { RunRecord } from '../../state/entry/record.ts';
import { type EntryLog, recordOnTrail } from './log.ts';

const listedMax = 40;
const testsListedMax = 100;

/** Answers one query for a role of a phase. */
export async function lookUp(
  trail: { file(path: string): Promise<Buffer | null> },
  log: EntryLog,
  who: { role: AgentRole; phase: PhaseId },
  query: TrailQuery,
): Promise<ToolReply> {
  if (query.run) {
    const record = await recordOnTrail(trail, query.run);
    return record ? recordReply(record) : { ok: false, text: `there is no record of ${query.run}` };
  }
  const visible = log.entries.filter((entry) => isVisible(entry, who));
  if (query.entry) {
    const entry = visible.find((one) => one.id === query.entry);
    return entry
      ? { ok: true, text: `entry #${entry.id}`, data: [{ what: `entry #${entry.id}`, text: renderEntry(entry) }] }
      : { ok: false, text: `there is no entry #${query.entry} for you to see` };
  }
  const matching = visible.filter((entry) => matches(entry, query));
  const lines = matching.slice(0, listedMax).map((entry) => renderEntry(entry).split('\n', 1)[0]);
  if (lines.length === 0) return { ok: true, text: 'nothing on the trail matches' };
  const more = matching.length - listedMax;
  const text = `${matching.length} match${more > 0 ? `; ${more} are not listed: continue with from: ${matching[listedMax]?.id}` : ''}`;
  return { ok: true, text, data: [{ what: 'headings of entries', text: lines.join('\n') }] };
}

/** A run's record as a tool's answer. */
export function recordReply(record: RunRecord): ToolReply {
  const text = `${record.run}: ${record.outcome}, level ${record.level}, at commit ${record.shas.main}`;
  return { ok: true, text, data: [{ what: `record of ${record.run}`, text: recordText(record) }] };
}

/** A run as text for people and models: its stages, its tests, what failed, and the end of the failed stage's log. */
export function recordText(record: RunRecord): string {
  const stages = record.stages.map(
    (stage) => `- ${stage.name}: ${stage.rung}, exit ${stage.exit ?? stage.signal ?? '–'}, ${Math.round(stage.ms)} ms`,
  );
  const failed = record.tests.filter((test) => test.status === 'fail');
  const rest = record.tests.filter((test) => test.status !== 'fail');
  const bad = record.stages.find((stage) => stage.rung === 'fail');
  return [
    `${record.run}: ${record.outcome}, level ${record.level}: ${record.reason}`,
    `commit ${record.shas.main}`,
    ...stages,
    ...failed.map((test) => `FAILED ${test.id}: ${test.failure?.message ?? ''}`),
    ...rest.slice(0, testsListedMax).map((test) => `${test.status} ${test.id}`),
    ...(rest.length > testsListedMax ? [`… ${rest.length - testsListedMax} more`] : []),
    ...(bad ? [`end of ${bad.name}'s output:`, bad.log.tail || bad.log.head] : []),
  ].join('\n');
}

function isVisible(entry: Entry, { role, phase }: { role: AgentRole; phase: PhaseId }): boolean {
  return !(role === 'adversary' && entry.kind === 'journal' && entry.phase === phase);
}

function matches(entry: Entry, query: TrailQuery): boolean {
  const facts = entry.facts as { gate?: string };
  if (query.from && entry.id < query.from) return false;
  if (query.kind && entry.kind !== query.kind) return false;
  if (query.gate && facts.gate !== query.gate) return false;
  return !query.words || renderEntry(entry).toLowerCase().includes(query.words.toLowerCase());
}
