// Turns your decision into an act, signs it in this process with your own key, and drops it in the inbox. If a
// supervisor is running, waits here for its answer.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Act, ActPayload, SignedAct } from '../../state/entry/act.ts';
import { stampOf } from '../../state/entry/ids.ts';
import { signAct } from '../../state/trail/acts.ts';
import { dropAct } from '../../state/trail/inboxFolder.ts';
import type { Workspace } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import { openOperatorKey } from './key.ts';
import type { Here } from './place.ts';

const expiresMsDefault = 24 * 3_600_000;
const answerMsMax = 15_000;

/** `expiresMs`: how long from now the act may be accepted; a day by default. */
export type Signing = { env: Env; now: Date; expiresMs?: number };

/** Signs the payload for this workspace, in the operator's name. */
export function signed(place: Here, payload: ActPayload, options: Signing & { blobs?: SignedAct['blobs'] }): SignedAct {
  const { workspace } = place;
  // Acts are accepted in order: if a rotation still waits, sign with the key that will count once it is accepted.
  const own = workspace.operator.next ?? workspace.operator;
  const key = openOperatorKey(own.key, options.env);
  return signAct(actOf(workspace, payload, options), key, options.blobs);
}

/** Puts the act in the inbox; returns its nonce. */
export async function drop(place: Here, act: SignedAct): Promise<string> {
  await dropAct(place.paths.inbox, act);
  return act.act.nonce;
}

/** `taken`: a supervisor accepted it. `refused`: it did not, and why. `waiting`: it is still in the inbox. */
export type ActAnswer = { kind: 'taken' } | { kind: 'refused'; why: string } | { kind: 'waiting' };

/** The answer to an act so far. */
export function answerTo(inbox: string, nonce: string): ActAnswer {
  const at = (ending: string) => join(inbox, `${nonce}${ending}`);
  if (existsSync(at('.json')) || existsSync(at('.taken'))) return { kind: 'waiting' };
  if (!existsSync(at('.json.refused'))) return { kind: 'taken' };
  return {
    kind: 'refused',
    why: existsSync(at('.reason')) ? readFileSync(at('.reason'), 'utf8').trim() : 'the reason is in the log',
  };
}

/** The answer once a running supervisor has given one, or the state after `answerMsMax`. */
export function untilAnswered(inbox: string, nonce: string): Promise<ActAnswer> {
  return new Promise((resolve) => {
    const watcher = watch(inbox);
    const settle = (isLate: boolean) => {
      const answer = answerTo(inbox, nonce);
      const lacksReason = answer.kind === 'refused' && !hasReason(inbox, nonce);
      if (!isLate && (answer.kind === 'waiting' || lacksReason)) return;
      clearTimeout(timer);
      watcher.close();
      resolve(answer);
    };
    const timer = setTimeout(() => settle(true), answerMsMax);
    watcher.on('change', () => settle(false));
    watcher.on('error', () => settle(true));
    settle(false);
  });
}

function hasReason(inbox: string, nonce: string): boolean {
  return existsSync(join(inbox, `${nonce}.reason`));
}

function actOf(workspace: Workspace, payload: ActPayload, options: { now: Date; expiresMs?: number }): Act {
  const { now, expiresMs = expiresMsDefault } = options;
  return {
    v: 1,
    workspace: workspace.name,
    root: workspace.root,
    nonce: randomBytes(16).toString('hex'),
    at: stampOf(now),
    expires: stampOf(new Date(now.getTime() + expiresMs)),
    payload,
  };
}
