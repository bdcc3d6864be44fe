// The end of `coldpass run` in words: the result of the phase, and what to type next.

import { sayItem } from '../show/inbox.ts';
import { short } from '../terminal/lines.ts';
import { type Painted, type Screen, styled } from '../terminal/print.ts';
import type { RunEnd } from './run.ts';

export function sayRun(end: RunEnd, out: Screen): void {
  for (const line of linesOf(end, out)) out.line(line);
}

function linesOf(end: RunEnd, out: Screen): (Painted | string)[] {
  const { paint } = out;
  const { phase } = end;
  switch (end.status) {
    case 'done':
      return end.branch === null ? undelivered(end, out) : delivered(end, out);
    case 'abandoned':
      return [styled`${paint.bad('ABANDONED')}  phase ${phase} was dropped; see: coldpass trail --kind act`];
    case 'idle': {
      for (const item of end.inbox) sayItem(item, out);
      return [styled`${paint.bold('IDLE')}  no phase is open or queued; deferral triggers checked`];
    }
    case 'stopped':
      return [styled`${paint.warn('STOPPED')}  phase ${phase} is not finished; resume it with: coldpass run`];
    case 'parked':
    case 'open':
    case 'queued': {
      for (const item of end.inbox) sayItem(item, out);
      const what = end.status === 'queued' ? 'waits behind another phase' : 'needs you';
      return [styled`${paint.warn(end.status.toUpperCase())}  phase ${phase} ${what}; decide, then type: coldpass run`];
    }
    default:
      return end.status satisfies never;
  }
}

function delivered({ phase, sha, branch }: RunEnd, { paint }: Screen): Painted[] {
  return [
    styled`${paint.good('DONE')}  phase ${phase} at ${short(sha ?? '')}; the work is on branch ${branch ?? ''}, not merged`,
    styled`next: coldpass audit && git merge ${branch ?? ''}`,
  ];
}

function undelivered({ phase, undelivered }: RunEnd, { paint }: Screen): Painted[] {
  return [
    styled`${paint.good('DONE')}  phase ${phase}, but its branch is not in your repository yet: ${undelivered ?? ''}`,
    styled`then rerun \`coldpass run\` with the same plan`,
  ];
}
