// Shows the supervisor's progress on a screen: a line for each entry that matters and, below, what is running and for
// how long. In a pipe, only the lines.

import type { LoopProgress } from '../../loop/hands/world.ts';
import type { RunProgress as StageProgress } from '../../runner/run/request.ts';
import type { Purpose } from '../../state/entry/record.ts';
import { entryLine, matters } from './lines.ts';
import type { Running, Screen } from './print.ts';

type Row = Running & { key: string };

/** Shows progress until `end`. */
export function follow(out: Screen, nowMs: () => number): { onProgress(progress: LoopProgress): void; end(): void } {
  let rows: Row[] = [];

  function put(key: string, what: string): void {
    const known = rows.find((row) => row.key === key);
    if (known) known.what = what;
    else rows.push({ key, what, startedAtMs: nowMs() });
    out.running(rows);
  }
  function remove(key: string): void {
    rows = rows.filter((row) => row.key !== key);
    out.running(rows);
  }

  function onProgress(progress: LoopProgress): void {
    switch (progress.kind) {
      case 'entry':
        if (matters(progress.entry)) out.line(entryLine(progress.entry, out.paint));
        return;
      case 'run':
        if (progress.at === 'ended') remove(progress.run);
        else put(progress.run, [slotWords(progress.what), progress.stage].filter(Boolean).join(': '));
        return;
      case 'session': {
        const { event, role, session } = progress;
        if (event.kind === 'ended') remove(session);
        else put(session, doing(role, event));
        return;
      }
      default:
        progress satisfies never;
    }
  }
  return { onProgress, end: () => out.running([]) };
}

/** Shows the progress of one cold run: the stage that is running and its last line of output. */
export function followRun(out: Screen, nowMs: () => number): (progress: StageProgress) => void {
  let startedAtMs = nowMs();
  return (progress) => {
    if (progress.kind === 'started') startedAtMs = nowMs();
    if (progress.kind === 'ended') return out.running([]);
    const output = progress.kind === 'line' ? `: ${progress.line}` : '';
    out.running([{ what: `${progress.stage}${output}`, startedAtMs }]);
  };
}

type SessionEvent = Extract<LoopProgress, { kind: 'session' }>['event'];

function doing(role: string, event: SessionEvent): string {
  switch (event.kind) {
    case 'call':
      return `${role}: ${event.tool}`;
    case 'trouble':
      return `${role}: ${event.what}`;
    default:
      return `${role}: thinking`;
  }
}

/** A slot such as `gate:12:M1:1` in words; see `slotOf` in state/fold/requirement.ts. */
function slotWords(slot: string): string {
  const [kind, first = '', second = '', third = ''] = slot.split(':');
  switch (kind as Purpose['kind']) {
    case 'gate':
      return `${second}, cold run ${third}`;
    case 'control':
      return `${second}, control ${third}`;
    case 'reproducer':
      return `reproducer of finding #${second}`;
    case 'base':
      return `base commit, recipe ${first}`;
    default:
      return 'a trial';
  }
}
