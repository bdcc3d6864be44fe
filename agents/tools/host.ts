// What a tool sees of the world: the agent's clone and shell (inside its sandbox) and the trail. The loop implements
// it; tools only translate. A submission contains what the agent said; the host adds session, trees, file digests and
// references.

import type { Facts, Kind, PatchEdit } from '../../state/entry/entry.ts';
import type { EntryId, GateId, RecipeName, RunId, Sha } from '../../state/entry/ids.ts';
import type { ClaimExpects } from '../../state/entry/spec.ts';
import type { Datum } from '../text/fence.ts';

/** A reply to the model. `ok: false` is a refusal or a mistake by the model; the text says what would help. */
export type ToolReply = {
  ok: boolean;
  /** Our own text. */
  text: string;
  /** Text from the repository, a run, the trail or a program; the session fences each item. */
  data?: Datum[];
  /** Which parts of the judged claim's diff these data are. */
  parts?: number[];
  /** The commit that a `publish` put on `phase/<id>`. */
  published?: Sha;
};

/** Part of a file: `lines` lines, starting at line `from`, counted from 1. */
export type Extract = { from: number; lines: number };

/** `find`, which must occur exactly once, becomes `text`; null replaces the whole file. */
export type TextChange = { find: string | null; text: string };

/** Which entries of the trail to return: those that match every given member. */
export type TrailQuery = { entry?: EntryId; run?: RunId; kind?: Kind; gate?: GateId; words?: string; from?: EntryId };

/** A reproducer as the Adversary submits it; the host stores the file and refers to it by digest. */
export type Reproducer = { path: string; content: string; command: string };

type Submitted<K extends Kind> = Omit<Facts<K>, 'session'>;
type SubmissionOf<K extends Kind> = { kind: K; facts: Submitted<K>; body: string };

export type Submission =
  /** A claim for a gate or, from the tool `hand_off`, for DONE. */
  | { kind: 'claim'; facts: { gate: GateId; sha: Sha; expects: ClaimExpects }; body: string }
  /** The host adds the claim's gate, and how much of the claim's diff was served. */
  | {
      kind: 'verdict';
      facts: Omit<Submitted<'verdict'>, 'gate' | 'served'>;
      body: string;
      /** The parts of the diff that results of this session showed before the answer that gives the verdict. */
      seen: number[];
    }
  | {
      kind: 'finding';
      facts: Omit<Submitted<'finding'>, 'reproducer'> & { reproducer: Reproducer | null };
      body: string;
    }
  /** The host looks up the gate and checks that the edits apply to the claim's files. */
  | { kind: 'sabotage'; facts: { claim: EntryId; edits: PatchEdit[] }; body: string }
  | SubmissionOf<'blocked'>
  | SubmissionOf<'advice'>
  | SubmissionOf<'veto'>
  | SubmissionOf<'close'>
  | SubmissionOf<'note'>
  | SubmissionOf<'item'>
  | SubmissionOf<'journal'>
  | SubmissionOf<'decision'>
  | SubmissionOf<'deferral'>;

/**
 * One host per session. Calls of a session never overlap. A refusal is a reply, not an error; a rejection means that
 * the machine is broken, and ends the session. When the signal aborts, whatever runs is ended, and the promise soon
 * resolves or rejects. A call that was cut off by a crash may have taken effect: the next session's projection shows
 * the result.
 */
export interface ToolHost {
  /** `sh -c` in the clone's top folder; a failed command is an `ok` reply that contains its exit code. */
  shell(command: string, seconds: number, signal: AbortSignal): Promise<ToolReply>;
  read(path: string, extract: Extract): Promise<ToolReply>;
  edit(path: string, change: TextChange): Promise<ToolReply>;
  trail(query: TrailQuery): Promise<ToolReply>;
  /** One part of the judged claim's diff, counted from 1. */
  diff(part: number): Promise<ToolReply>;
  /** One part, counted from 1, of a stage's output as a run's record kept it. */
  log(wanted: { run: RunId; stage: string | null; part: number }): Promise<ToolReply>;
  /** Publishes the clone's head to `phase/<id>`; `published` is that commit. */
  publish(signal: AbortSignal): Promise<ToolReply>;
  /** A cold run that counts for no gate; resolves when it is over. `sha: null` means the head of `phase/<id>`. */
  trial(trial: { sha: Sha | null; recipe: RecipeName | null }, signal: AbortSignal): Promise<ToolReply>;
  /**
   * Resolves once the entry is durable, or with the reason why it was refused. The reply to an accepted entry begins
   * with its number, `#41`. For a sabotage it resolves only after the patch has run on the claim; for a finding against
   * a live claim, only after the reproducer, if the finding has one, has run on the claim. The reply then reports the
   * result.
   */
  submit(submission: Submission, signal: AbortSignal): Promise<ToolReply>;
}
