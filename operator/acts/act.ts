// Your acts: each decision becomes a payload, is checked against the current trail (so you hear of a slip at once),
// signed, and dropped in the inbox. Only a supervisor puts it on the trail.

import { type ActPayload, type SignedAct, Waivable } from '../../state/entry/act.ts';
import type { EntryOf } from '../../state/entry/entry.ts';
import { type EntryId, type PhaseId, stampOf } from '../../state/entry/ids.ts';
import { livePhase, type Phase } from '../../state/entry/phase.ts';
import { admitAct } from '../../state/gate/admitAct.ts';
import { targetDigestOf } from '../../state/trail/acts.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import type { Env } from '../project/project.ts';
import { gateNamed, phaseNamed } from '../show/explain.ts';
import { entryNumber } from '../show/trail.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { actWords } from '../terminal/lines.ts';
import { type Screen, styled } from '../terminal/print.ts';
import type { Here } from '../workspace/place.ts';
import { rotateAct } from '../workspace/rotate.ts';
import { supervisorOf } from '../workspace/running.ts';
import { type ActAnswer, answerTo, drop, signed, untilAnswered } from '../workspace/sign.ts';
import { amendAct, amendSays } from './amend.ts';
import { isDeferred, reentryAct } from './takeUp.ts';

const unitMs: Record<string, number> = { h: 3_600_000, d: 24 * 3_600_000, w: 7 * 24 * 3_600_000 };

/** What you typed; `id` and `gate` are as you wrote them. */
export type ActDecision =
  /** `plan`: the file of the plan that carries out a deferred item. */
  | { act: 'approve'; id: string; plan?: string; because?: string }
  | { act: 'refuse' | 'lift'; id: string; because?: string }
  | { act: 'waive'; gate: string; condition: string; until: string; because?: string }
  | { act: 'veto'; because?: string; until?: string[] }
  | { act: 'resume'; because?: string }
  | { act: 'drop'; because?: string }
  | { act: 'note'; text: string }
  | { act: 'amend'; phase: string; plan: string; because?: string }
  | { act: 'rotate'; role: string; key?: string; because?: string };

export type ActOptions = {
  place: Here;
  /** The current folder. */
  dir: string;
  env: Env;
  now: Date;
  /** The phase concerned; by default the one that is open or parked. */
  phase?: string;
  /** How long the act may wait to be accepted, such as `2d`; a day by default. */
  expires?: string;
};

export type ActReport = {
  /** 0 if the act was accepted or still waits, 1 if it was refused. */
  exit: Exit;
  words: string;
  nonce: string;
  supervisor: number | null;
  answer: ActAnswer;
};

/** Signs the act and drops it in the inbox. Throws UsageError, before signing, if the decision is impossible. */
export async function decideAct(decision: ActDecision, options: ActOptions): Promise<ActReport> {
  const { place, now } = options;
  const { act, remark } = await withTrail(place.paths.hub, async (trail) => {
    const { act, phase, remark } = await signedActOf(decision, trail, options);
    const facts = { act: act.act, signature: act.signature };
    const id = (trail.state.lastId + 1) as EntryId;
    const entry: EntryOf<'act'> = {
      id,
      at: stampOf(now),
      kind: 'act',
      role: 'operator',
      phase,
      facts,
      body: '',
    };
    const why = admitAct(trail.state, entry);
    if (why !== null) throw new UsageError(`${decision.act}: ${why}`);
    return { act, remark };
  });
  const nonce = await drop(place, act);
  const supervisor = supervisorOf(place.paths);
  const { inbox } = place.paths;
  const answer = supervisor === null ? answerTo(inbox, nonce) : await untilAnswered(inbox, nonce);
  const exit = answer.kind === 'refused' ? exits.no : exits.yes;
  const words = actWords(act.act.payload) + (remark === undefined ? '' : `; ${remark}`);
  return { exit, words, nonce, supervisor, answer };
}

/** The signed act, the phase that it belongs to, and a remark for the terminal. */
async function signedActOf(
  decision: ActDecision,
  trail: Trail,
  options: ActOptions,
): Promise<{ act: SignedAct; phase: PhaseId | null; remark?: string }> {
  const { place, dir, env, now, expires } = options;
  const about = 'id' in decision ? trail.entries[entryNumber(decision.id) - 1] : undefined;
  const expiresMs = expires === undefined ? {} : { expiresMs: momentOf(expires, now) - now.getTime() };
  const signing = { env, now, ...expiresMs };
  if (decision.act === 'approve' && (decision.plan !== undefined || isDeferred(about)))
    return { act: await reentryAct(about, decision.plan, { ...signing, place, dir }), phase: null };
  if (decision.act === 'rotate') {
    const { act: _act, role, ...rotation } = decision;
    return { act: await rotateAct(role, { ...signing, place, dir, ...rotation }), phase: null };
  }
  if (decision.act === 'amend') {
    const phase = phaseNamed(trail.state, decision.phase);
    const act = await amendAct(phase, decision.plan, becauseOf(decision), { ...signing, place, dir });
    return { act, phase: phase.id, remark: amendSays(phase, act) };
  }
  const phase = phaseOf(trail, isDeferred(about) ? (about?.phase ?? undefined) : options.phase);
  return { act: signed(place, payloadOf(decision, phase, trail, now), signing), phase: phase.id };
}

export function sayAct(report: ActReport, out: Screen): void {
  out.line(
    styled`${report.exit === exits.yes ? out.paint.good('signed') : out.paint.bad('refused')}  ${endOf(report)}`,
  );
}

function endOf({ words, supervisor, answer }: ActReport): string {
  switch (answer.kind) {
    case 'taken':
      return `${words}; now on the trail`;
    case 'refused':
      return `${words}: ${answer.why}`;
    case 'waiting':
      return supervisor === null
        ? `${words}; waits in the inbox for the next \`coldpass run\`, as no supervisor is running`
        : `${words}; waits in the inbox: process ${supervisor} has not accepted it yet`;
    default:
      return answer satisfies never;
  }
}

/** Reads a day such as `2026-12-01` (its end, UTC), an ISO time, or a span such as `12h`, `3d`. Returns epoch ms. */
export function momentOf(text: string, now: Date): number {
  const [, count = '', unit = ''] = /^(\d{1,4})([hdw])$/.exec(text) ?? [];
  const span = unitMs[unit];
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59Z` : text;
  const at =
    span === undefined ? (/^\d{4}-/.test(day) ? Date.parse(day) : Number.NaN) : now.getTime() + Number(count) * span;
  if (Number.isNaN(at))
    throw new UsageError(`"${text}" is not a date; write 2026-12-01, or a span such as 12h, 3d or 2w`);
  if (at <= now.getTime()) throw new UsageError(`"${text}" is in the past; give a future date`);
  return at;
}

function phaseOf({ state }: Trail, id: string | undefined): Phase {
  if (id !== undefined) return phaseNamed(state, id);
  const live = livePhase(state);
  if (live) return live;
  throw new UsageError('no phase is open or parked, so there is nothing to decide; see: coldpass status');
}

type InPhase = Exclude<ActDecision, { act: 'amend' | 'rotate' }>;

function payloadOf(decision: InPhase, phase: Phase, trail: Trail, now: Date): ActPayload {
  const because = becauseOf(decision);
  switch (decision.act) {
    case 'approve':
      return { act: 'approve', ...target(decision.id, phase.id, trail), ...(because && { because }) };
    case 'refuse':
    case 'lift':
      return { act: decision.act, ...target(decision.id, phase.id, trail), because };
    case 'waive': {
      const until = stampOf(new Date(momentOf(decision.until, now)));
      const gate = gateNamed(phase, decision.gate);
      return { act: 'waive', phase: phase.id, gate, condition: conditionOf(decision.condition), until, because };
    }
    case 'veto':
      return { act: 'veto', phase: phase.id, because, until: decision.until ?? [] };
    case 'resume':
      return { act: 'resume', phase: phase.id, ...(because && { because }) };
    case 'drop':
      return { act: 'drop', phase: phase.id, because };
    case 'note':
      return { act: 'note', phase: phase.id, text: decision.text };
    default:
      return decision satisfies never;
  }
}

function becauseOf(decision: ActDecision): string {
  const text = 'because' in decision ? (decision.because ?? '') : '';
  const isNeeded = !['approve', 'resume', 'note'].includes(decision.act);
  if (isNeeded && text.trim() === '') throw new UsageError(`${decision.act}: give a reason with --because "…"`);
  return text.trim();
}

function target(id: string, phase: PhaseId, { entries }: Trail) {
  const number = entryNumber(id);
  const entry = entries[number - 1];
  if (entry?.phase !== phase)
    throw new UsageError(`there is no entry #${number} in phase ${phase}; see: coldpass inbox`);
  return { target: entry.id, targetDigest: targetDigestOf(entry) };
}

function conditionOf(name: string): Waivable {
  const condition = Waivable.safeParse(name);
  if (condition.success) return condition.data;
  throw new UsageError(`"${name}" is not a condition that you can waive; those are: ${Waivable.options.join(', ')}`);
}
