// What the world is to a tool: the agent's clone and shell (inside its sandbox) and the trail. The loop implements it; tools
// only translate. Submissions carry what the agent said; session, trees, digests of files and references are the host's.

import type { Facts, Kind, PatchEdit } from '../../state/entry/entry.ts';
import type { EntryId, GateId, RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import type { ClaimExpects } from '../../state/entry/spec.ts';
import type { Datum } from '../text/fence.ts';

/** An answer for the model. `ok: false` is a refusal or a mistake of its own, in words that say what would help. */
export type ToolReply = {
  ok: boolean;
  /** Our own words. */
  text: string;
  /** What the repository, a run, the trail or a program said: the session fences each piece. */
  data?: Datum[];
  /** Parts of the judged claim's diff that these data are. */
  parts?: number[];
  /** The commit that a `publish` put on `phase/<id>`. */
  published?: Sha;
};

/** Part of a file: `lines` lines from line `from` on, counted from 1. */
export type Extract = { from: number; lines: number };

/** `find` occurs exactly once and becomes `text`; null writes the whole file anew. */
export type Change = { find: string | null; text: string };

/** Which entries of the trail are wanted; members narrow each other. */
export type TrailQuery = { entry?: EntryId; run?: RunId; kind?: Kind; gate?: GateId; words?: string; from?: EntryId };

/** A reproducer as the Adversary hands it in; the host stores the file and names it by digest. */
export type Reproducer = { path: string; content: string; command: string };

type Said<K extends Kind> = Omit<Facts<K>, 'session'>;
type Of<K extends Kind> = { kind: K; facts: Said<K>; body: string };

export type Submission =
  /** Of one gate, or of DONE by `hand_off`. */
  | { kind: 'claim'; facts: { gate: GateId; sha: Sha; expects: ClaimExpects }; body: string }
  /** The host adds the claim's gate, and what was served of its diff. */
  | {
      kind: 'verdict';
      facts: Omit<Said<'verdict'>, 'gate' | 'served'>;
      body: string;
      /** Parts of the diff that results of this session held before the answer that gives the verdict. */
      seen: number[];
    }
  | { kind: 'finding'; facts: Omit<Said<'finding'>, 'reproducer'> & { reproducer: Reproducer | null }; body: string }
  /** The host finds the gate, and whether the edits can be applied to the claim's files. */
  | { kind: 'sabotage'; facts: { claim: EntryId; edits: PatchEdit[] }; body: string }
  | Of<'blocked'>
  | Of<'advice'>
  | Of<'veto'>
  | Of<'close'>
  | Of<'note'>
  | Of<'item'>
  | Of<'journal'>
  | Of<'decision'>
  | Of<'deferral'>;

/**
 * One a session. Calls of a session never overlap. A refusal is a reply, not an error; a rejection means that the machine is
 * broken and ends the session. When the signal aborts, what runs is ended and the promise settles soon, either way. A call
 * that was cut off by a crash may have taken effect: the next session's projection says what is so.
 */
export interface ToolHost {
  /** `sh -c` in the clone's top folder; a failed command is an `ok` reply that names its exit code. */
  shell(command: string, seconds: number, signal: AbortSignal): Promise<ToolReply>;
  read(path: string, extract: Extract): Promise<ToolReply>;
  edit(path: string, change: Change): Promise<ToolReply>;
  trail(query: TrailQuery): Promise<ToolReply>;
  /** A part of what the judged claim changes, counted from 1. */
  diff(part: number): Promise<ToolReply>;
  /** What was kept of a stage's output in a run, in parts from 1. */
  log(wanted: { run: RunId; stage: string | null; part: number }): Promise<ToolReply>;
  /** Takes the clone's head to `phase/<id>`; `published` names it. */
  publish(signal: AbortSignal): Promise<ToolReply>;
  /** A cold run that never counts; resolves when it is over. `sha: null` is the head of `phase/<id>`. */
  trial(trial: { sha: Sha | null; recipe: RecipeName | null }, signal: AbortSignal): Promise<ToolReply>;
  /**
   * Resolves when the entry is durable, or with the reason why it was turned down. An accepted one's reply begins with its
   * number, `#41`. A finding with a reproducer against a live claim, or a sabotage, resolves once that has run there, and says how.
   */
  submit(submission: Submission, signal: AbortSignal): Promise<ToolReply>;
}
