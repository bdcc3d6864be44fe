// `coldpass inbox`: what waits for you, with the commands that settle it, and which of your acts wait for a supervisor
// or were refused.

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignedAct } from '../../state/entry/act.ts';
import { type InboxItem, inboxOf } from '../../state/gate/inbox.ts';
import { actBytesMax, inboxFilesMax } from '../../state/trail/inboxFolder.ts';
import { withTrail } from '../../state/trail/read.ts';
import { type Exit, exits } from '../terminal/errors.ts';
import { actWords } from '../terminal/lines.ts';
import { type Screen, styled } from '../terminal/print.ts';
import type { Here } from '../workspace/place.ts';
import { answerTo } from '../workspace/sign.ts';

export type WaitingAct = { nonce: string; at: string; words: string };
export type RefusedAct = { nonce: string; why: string };
export type InboxReport = { exit: Exit; items: InboxItem[]; waiting: WaitingAct[]; refused: RefusedAct[] };

/** Exit 3 if work waits for you, else 0. */
export async function inbox({ paths }: Here, nowMs: number): Promise<InboxReport> {
  const items = await withTrail(paths.hub, ({ state }) => inboxOf(state, nowMs));
  const exit = items.some((item) => item.kind !== 'deferral') ? exits.operator : exits.yes;
  return { exit, items, waiting: waitingActs(paths.inbox), refused: refusedActs(paths.inbox) };
}

export function sayInbox({ items, waiting, refused }: InboxReport, out: Screen): void {
  const { paint } = out;
  for (const item of items) sayItem(item, out);
  for (const { words, at } of waiting) out.line(styled`${paint.dim('signed  ')} ${words} (${at}), not accepted yet`);
  for (const { nonce, why } of refused) out.line(styled`${paint.bad('refused ')} act ${nonce.slice(0, 8)}…: ${why}`);
  if (waiting.length > 0) out.line('         signed acts wait for a supervisor; type: coldpass run');
  if (items.length === 0) out.line('nothing waits for you');
}

/** The readable acts in the inbox, oldest first. The supervisor checks their signatures. */
export function waitingActs(dir: string): WaitingAct[] {
  const acts = names(dir, /^[0-9a-f]{32}\.json$/).flatMap((name) => readAct(join(dir, name)));
  return acts
    .map(({ act }) => ({ nonce: act.nonce, at: act.at, words: actWords(act.payload) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

function refusedActs(dir: string): RefusedAct[] {
  const nonces = names(dir, /^[0-9a-f]{32}\.json\.refused$/).map((name) => name.slice(0, 32));
  return nonces.flatMap((nonce) => {
    const answer = answerTo(dir, nonce);
    return answer.kind === 'refused' ? [{ nonce, why: answer.why }] : [];
  });
}

function names(dir: string, pattern: RegExp): string[] {
  const all = readdirSync(dir).filter((name) => pattern.test(name));
  return all.sort().slice(0, inboxFilesMax);
}

function readAct(path: string): SignedAct[] {
  try {
    const info = lstatSync(path);
    if (!info.isFile() || info.size > actBytesMax) return [];
    const signed = SignedAct.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return signed.success ? [signed.data] : [];
  } catch {
    return []; // accepted meanwhile, or not an act: the supervisor reports that
  }
}

/** One inbox item: what, why, and the commands that settle it. */
export function sayItem(item: InboxItem, out: Screen): void {
  const { paint } = out;
  out.line(styled`${paint.warn(item.kind.padEnd(8))} ${paint.dim(`#${item.id}`)} ${item.title}`);
  out.line(styled`         ${item.why}`);
  for (const act of item.acts) out.line(styled`         ${paint.dim('→')} ${act}`);
}
