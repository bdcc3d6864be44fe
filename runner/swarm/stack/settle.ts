// Watches a stack until it has converged, has failed or time is up. A failure is one line, with the last log line of
// the service in question.

import type { Converged } from '../app/app.ts';
import { wait } from '../app/wait.ts';
import { lastWords, sickness } from '../engine/logs.ts';
import type { EngineRun } from '../engine/place.ts';
import { type Convergence, judge, restartsIn, watchFrom } from './converge.ts';
import { observe } from './observe.ts';

const lookEveryMs = 250;
const lineCharsMax = 500;

export type Settling = { wanted: Record<string, number>; before: ReadonlySet<string>; seconds: number };

export async function untilSettled(place: EngineRun, { wanted, before, seconds }: Settling): Promise<Converged> {
  const untilMs = Date.now() + seconds * 1000;
  let watch = watchFrom(before);
  for (;;) {
    const judged = judge(watch, await observe(place), wanted);
    watch = judged.watch;
    const restarts = restartsIn(watch);
    if (judged.verdict.kind === 'stands') return { failed: null, late: false, restarts };
    if (judged.verdict.kind === 'failed' || Date.now() >= untilMs)
      return {
        failed: await lineOf(place, judged.verdict, seconds),
        late: judged.verdict.kind === 'waiting',
        restarts,
      };
    await wait(lookEveryMs, place.signal);
  }
}

async function lineOf(
  place: EngineRun,
  verdict: Exclude<Convergence, { kind: 'stands' }>,
  seconds: number,
): Promise<string> {
  const first = verdict.kind === 'failed' ? verdict : verdict.lacks[0];
  const service = first?.service ?? '';
  const what = verdict.kind === 'failed' ? verdict.why : `not up after ${seconds} s: ${verdict.lacks[0]?.what}`;
  const others = verdict.kind === 'failed' ? [] : verdict.lacks.slice(1).map((lack) => lack.service);
  const more = others.length > 0 ? `; also not up: ${others.join(', ')}` : '';
  const [sick, words] = [await sickness(place, service), await lastWords(place, service)];
  const notes = [sick && `; its health check fails: ${sick}`, words && `; its last log line: ${words}`, more];
  return `service ${service}: ${what}${notes.map((note) => note ?? '').join('')}`.slice(0, lineCharsMax);
}
