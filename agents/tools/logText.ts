// What a run's record kept of its stages' output, for a reader: beginning and end, and in between how much is not there. Pure.

import type { RunRecord, StageResult } from '../../state/entry/record.ts';
import { textParts } from '../../state/work/parts.ts';
import type { ToolReply } from './host.ts';

const partBytesMax = 12 * 1024;

/** One part of a stage's log; without a name, of the first stage that failed, else of the last. */
export function logPart(record: RunRecord, stage: string | null, part: number): ToolReply {
  const stages = [record.setup ?? [], record.stages, record.reproducerStage ?? []].flat();
  const found = stage === null ? stageAtFault(stages) : stages.find(({ name }) => name === stage);
  if (!found)
    return no(`${record.run} has no such stage; it has ${stages.map(({ name }) => name).join(', ') || 'none'}`);
  const pieces = textParts(keptOf(found), partBytesMax);
  const text = pieces[part - 1];
  if (text === undefined) return no(`the log of ${found.name} has ${pieces.length} part(s)`);
  const { bytes, digest } = found.log;
  return {
    ok: true,
    text: `${record.run}, stage ${found.name}: part ${part} of ${pieces.length} of what was kept; ${bytes} bytes in all, digest ${digest}`,
    data: [{ what: `log of ${found.name}, part ${part} of ${pieces.length}`, text }],
  };
}

function stageAtFault(stages: StageResult[]): StageResult | undefined {
  return stages.find(({ rung }) => rung === 'fail') ?? stages.at(-1);
}

function keptOf({ log: { head, tail, bytes } }: StageResult): string {
  if (tail === '') return head;
  const left = Math.max(0, bytes - Buffer.byteLength(head) - Buffer.byteLength(tail));
  return `${head}\n[… ${left} bytes of the middle were not kept …]\n${tail}`;
}

function no(text: string): ToolReply {
  return { ok: false, text };
}
