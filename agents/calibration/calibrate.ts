// Makes a judge decide claims whose truth is known: one session per case, with the prompt, tools and limits of a phase;
// money is reserved before a session and settled after it. What the judge did is returned as a value; `calibrate`
// rejects only if the machine is broken.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxCommand, Sandbox } from '../../runner/box/sandbox.ts';
import { type SessionId, stampOf } from '../../state/entry/ids.ts';
import { type Calibration, type Judge, type JudgedCase, rated } from '../../state/trail/calibration.ts';
import type { ModelBackend } from '../model/backend.ts';
import type { Clock } from '../model/clock.ts';
import { leftIn, openPurse, type Price, reserve, settle } from '../model/spend.ts';
import type { Limits } from '../session/limits.ts';
import { runSession, type SessionResult } from '../session/session.ts';
import { openTranscript } from '../session/transcript.ts';
import { fenceOf } from '../text/fence.ts';
import { redactor } from '../text/redact.ts';
import { toolsFor } from '../tools/tools.ts';
import { type Prompt, promptFor } from '../view/prompt.ts';
import { caseOpening, setUpCase } from './case.ts';
import { openCaseHost } from './host.ts';
import type { CalibrationCase, CalibrationSet } from './set.ts';

export type CalibrationOptions = {
  set: CalibrationSet;
  agent: { backend: ModelBackend; price: Price; limits: Limits; secrets: string[] };
  sandbox: Sandbox;
  box: Pick<BoxCommand, 'tools' | 'limits'>;
  /** Folders for clones and for transcripts, out of every box's reach. */
  dirs: { clones: string; transcripts: string };
  /** The most that the whole calibration may cost. */
  usd: number;
  clock: Clock;
  signal: AbortSignal;
  onCase?(judged: JudgedCase): void;
};

const role = 'adversary';

/** The prompt that judges get in this version; its digest pins the tools too. */
export function judgePrompt(): Prompt {
  return promptFor(
    role,
    toolsFor(role).map((tool) => tool.schema),
  );
}

/** The judge that is measured when a calibration uses `backend`. */
export function judgeOf({ name, model }: Pick<ModelBackend, 'name' | 'model'>): Judge {
  return { role, backend: name, model, prompt: judgePrompt().digest };
}

/**
 * Judges every case in turn. When the money is used up, or the model fails, or we are cancelled, the remaining cases
 * count as not judged.
 */
export async function calibrate(options: CalibrationOptions): Promise<Calibration> {
  const { set, agent, clock, usd } = options;
  const purse = openPurse('calibration', usd);
  const judged: JudgedCase[] = [];
  let over: string | null = null;
  for (const one of set.cases) {
    const most = agent.price.output === 0 ? 0 : Math.min(agent.limits.usd, leftIn(purse));
    const held = over === null && (most > 0 || agent.price.output === 0) ? reserve([purse], most) : null;
    if (held === null || 'refused' in held) {
      judged.push(
        notJudged(one, over ?? `the budget of this calibration is spent: $${purse.spentUsd.toFixed(2)} of $${usd}`),
      );
    } else {
      const result = await judge(options, one, most);
      settle(held.hold, result.usd);
      judged.push(result.judged);
      over = result.over;
    }
    options.onCase?.(judged.at(-1) as JudgedCase);
  }
  return rated(judgeOf(agent.backend), set.digest, stampOf(clock.nowMs()), judged);
}

type CaseResult = {
  judged: JudgedCase;
  usd: number;
  /** Why no further case can be judged; null if more can. */
  over: string | null;
};

async function judge(options: CalibrationOptions, one: CalibrationCase, usd: number): Promise<CaseResult> {
  const { agent, sandbox, box, dirs, clock, signal } = options;
  const session = `s-${randomBytes(6).toString('hex')}` as SessionId;
  await mkdir(dirs.clones, { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(dirs.clones, 'case-'));
  try {
    const laid = await setUpCase(one, join(dir, 'hub.git'));
    const host = await openCaseHost({ laid, sandbox, dir, box });
    const fence = fenceOf(randomBytes(6).toString('hex'));
    const redact = redactor(agent.secrets);
    const limits = agent.price.output === 0 ? agent.limits : { ...agent.limits, usd };
    const transcript = await openTranscript(join(dirs.transcripts, `${session}.jsonl`), redact, clock);
    const result = await runSession({
      session,
      role,
      prompt: judgePrompt(),
      opening: caseOpening(laid, fence, limits.usd),
      tools: toolsFor(role),
      host,
      backend: agent.backend,
      price: agent.price,
      limits,
      fence,
      transcript,
      redact,
      clock,
      signal,
    }).finally(() => host.close());
    return judgedOf(one, session, host.verdict(), result);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * What a session made of its case. Without a verdict, the case counts as judged if the session stopped by itself or at
 * a limit, but not if the session was cancelled, or its model failed, or its money ran out.
 */
function judgedOf(
  one: CalibrationCase,
  session: SessionId,
  verdict: JudgedCase['verdict'],
  result: SessionResult,
): CaseResult {
  const { end, why, usd } = result;
  const judged = verdict !== 'none' || end === 'finished' || end === 'waited' || end === 'limit';
  const over = end === 'cancelled' || end === 'failed' ? why : null;
  return { judged: { ...identityOf(one), verdict, judged, why, session, usd }, usd, over };
}

function notJudged(one: CalibrationCase, why: string): JudgedCase {
  return { ...identityOf(one), verdict: 'none', judged: false, why, session: null, usd: 0 };
}

function identityOf({ name, kind, truth }: CalibrationCase): Pick<JudgedCase, 'case' | 'kind' | 'truth'> {
  return { case: name, kind, truth };
}
