// Sessions under test: the real SDK over real HTTP against a scripted endpoint, with a real transcript.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { anthropic } from '../../../agents/model/anthropic.ts';
import type { ModelBackend } from '../../../agents/model/backend.ts';
import type { Clock } from '../../../agents/model/clock.ts';
import { type Price, priceOf } from '../../../agents/model/spend.ts';
import { readScript } from '../../../agents/scripted/script.ts';
import { type Scripted, startScripted } from '../../../agents/scripted/scripted.ts';
import { type Limits, limitsDefault } from '../../../agents/session/limits.ts';
import { runSession, type SessionResult } from '../../../agents/session/session.ts';
import type { SessionEvent } from '../../../agents/session/talk.ts';
import { openTranscript, type ParsedTranscript, readTranscript } from '../../../agents/session/transcript.ts';
import { fenceOf } from '../../../agents/text/fence.ts';
import { redactor } from '../../../agents/text/redact.ts';
import { toolsFor } from '../../../agents/tools/tools.ts';
import { promptFor } from '../../../agents/view/prompt.ts';
import type { AgentRole, SessionId } from '../../../state/entry/ids.ts';
import { tempDir } from '../temp.ts';
import { type HostOptions, type TestHost, testHost } from './host.ts';

export const testKey = 'sk-test-5ecre7-5ecre7';
/** The fence of every session under test. */
export const testFence = fenceOf('5eed5eed5eed');
export const testSession = 's-0123456789ab' as SessionId;

/** A clock whose timers run a hundred times as fast, and whose randomness is fixed. */
export const quickClock: Clock = {
  nowMs: () => Date.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms / 100);
    return () => clearTimeout(timer);
  },
  random: () => 0,
};

/** A scripted endpoint that ends with the test. */
export async function endpoint(yaml: string): Promise<Scripted> {
  const scripted = await startScripted(readScript(yaml, 'script.yml'));
  onTestFinished(() => scripted.close());
  return scripted;
}

export function backendTo(url: string, model = 'scripted'): ModelBackend {
  return anthropic({ apiKey: testKey, baseURL: url, model, clock: quickClock });
}

export type PlayOptions = {
  role?: AgentRole;
  opening?: string;
  limits?: Partial<Limits>;
  model?: string;
  price?: Price;
  host?: HostOptions;
  signal?: AbortSignal;
  secrets?: string[];
  clock?: Clock;
  onEvent?: (event: SessionEvent) => void;
  /** Changes the host before the session starts. */
  rig?: (host: TestHost) => void;
};

export type Played = { result: SessionResult; read: ParsedTranscript; scripted: Scripted; host: TestHost };

/** One session from a script of turns, to its end. */
export async function playSession(yaml: string, options: PlayOptions = {}): Promise<Played> {
  const scripted = await endpoint(yaml);
  const dir = tempDir();
  const host = testHost(dir, options.host);
  options.rig?.(host);
  const { result, path } = await runAgainst(scripted, host, options);
  return { result: await result, read: readTranscript(readFileSync(path)), scripted, host };
}

/** Starts a session but does not wait for its end, for sessions whose promise rejects. */
export async function runAgainst(
  scripted: Scripted,
  host: TestHost,
  options: PlayOptions,
): Promise<{ result: Promise<SessionResult>; path: string }> {
  const { role = 'builder', clock = quickClock } = options;
  const tools = toolsFor(role);
  const redact = redactor([testKey, ...(options.secrets ?? [])]);
  const path = join(tempDir(), 'transcript.jsonl');
  const result = runSession({
    session: testSession,
    role,
    tools,
    host,
    redact,
    clock,
    prompt: promptFor(
      role,
      tools.map((tool) => tool.schema),
    ),
    opening: options.opening ?? 'Woken: work: conditions are unmet, and nothing else is under way.',
    backend: backendTo(scripted.url, options.model),
    price: options.price ?? priceOf(options.model ?? 'scripted'),
    limits: { ...limitsDefault, ...options.limits },
    fence: testFence,
    transcript: await openTranscript(path, redact, clock),
    signal: options.signal ?? new AbortController().signal,
    ...(options.onEvent && { onEvent: options.onEvent }),
  });
  return { result, path };
}

/** A script for one role, with one wake that takes these turns. */
export function oneWake(turns: string, role: AgentRole = 'builder'): string {
  const indented = turns.trim().replaceAll('\n', '\n        ');
  return `roles:\n  ${role}:\n    - name: only\n      turns:\n        ${indented}\n`;
}
