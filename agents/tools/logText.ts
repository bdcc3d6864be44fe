// Shows a stage's output as the run's record kept it: beginning and end, and how much is missing between them. Pure.

import type { RunRecord, StageResult } from '../../state/entry/record.ts';
import { textParts } from '../../state/work/parts.ts';
import type { ToolReply } from './host.ts';

const partBytesMax = 12 * 1024;

/**
 * One part of a stage's log. Without a stage name it is the first stage that failed or, if none failed, the last one.
 */
export function logPart(record: RunRecord, stage: string | null, part: number): ToolReply {
  const stages = [record.setup ?? [], record.stages, record.reproducerStage ?? []].flat();
  const result = stage === null ? stageAtFault(stages) : stages.find(({ name }) => name === stage);
  if (!result)
    return no(`${record.run} has no such stage; it has ${stages.map(({ name }) => name).join(', ') || 'none'}`);
  const parts = textParts(keptText(result), partBytesMax);
  const text = parts[part - 1];
  if (text === undefined) return no(`the log of ${result.name} has ${parts.length} part(s)`);
  const { bytes, digest } = result.log;
  return {
    ok: true,
    text: `${record.run}, stage ${result.name}: part ${part} of ${parts.length} of the log as kept; ${bytes} bytes in all, digest ${digest}`,
    data: [{ what: `log of ${result.name}, part ${part} of ${parts.length}`, text }],
  };
}

function stageAtFault(stages: StageResult[]): StageResult | undefined {
  return stages.find(({ rung }) => rung === 'fail') ?? stages.at(-1);
}

function keptText({ log: { head, tail, bytes } }: StageResult): string {
  if (tail === '') return head;
  const left = Math.max(0, bytes - Buffer.byteLength(head) - Buffer.byteLength(tail));
  return `${head}\n[… ${left} bytes of the middle were not kept …]\n${tail}`;
}

function no(text: string): ToolReply {
  return { ok: false, text };
}
