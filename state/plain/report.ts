// What is read from a plain trail, as data: gates with their claims and verdicts, findings, deferrals, vetoes, phases,
// and the flags raised on the way.

import type { Placed } from './context.ts';
import type { Part } from './headline.ts';
import type { Of, PlainStatement, PlainVerdictWord } from './sight.ts';
import type { Precision, TimeSpan } from './time.ts';

export type Where = { file: string; line: number };

/** A time as written; `assumed` if its date is from elsewhere in the text. Without a time: null, null and false. */
export type DatedAt = { at: string | null; precision: Precision | null; assumed: boolean };

export type PlainEvidence = { commits: string[]; builds: number[]; logs: string[] };

export type PlainClaim = DatedAt & {
  again: boolean;
  parts: Part[];
  evidence: PlainEvidence;
  /** True if the claim has no gate line, so that the gate was guessed from a name in its text. */
  guessed: boolean;
  where: Where[];
};

export type PlainVerdict = DatedAt & {
  verdict: PlainVerdictWord;
  /** The commits that the sentences of this verdict name. */
  cites: string[];
  /** Includes the evidence that the text names below the verdict. */
  evidence: PlainEvidence;
  /** True if the text only lists the gate among others that passed. */
  bare: boolean;
  retracted: Where | null;
  where: Where[];
};

export type PlainState = DatedAt & {
  state: Of<'state'>['state'];
  section: string;
  where: Where;
};

export type PlainStanding =
  | PlainVerdictWord
  | 'only listed'
  | 'claimed'
  | PlainState['state']
  | 'retracted'
  | 'unknown';

export type PlainGate = {
  id: string;
  names: string[];
  standing: PlainStanding;
  claims: PlainClaim[];
  verdicts: PlainVerdict[];
  states: PlainState[];
};

export type Drafted<T> = T & { stamp: TimeSpan | null; heads: Set<Placed> };

export type DraftClaim = Drafted<PlainClaim>;

export type DraftVerdict = Drafted<PlainVerdict>;

export type DraftState = PlainState & { stamp: TimeSpan | null };

/** A gate with the data needed for comparing its claims, verdicts and states. */
export type GateDraft = Omit<PlainGate, 'claims' | 'verdicts' | 'states'> & {
  claims: DraftClaim[];
  verdicts: DraftVerdict[];
  states: DraftState[];
};

export type FindingEvent = DatedAt & { event: Of<'finding'>['event']; where: Where };

export type PlainFinding = { id: string; state: 'open' | 'fixed' | 'closed'; events: FindingEvent[] };

export type PlainDeferral = DatedAt & { text: string; ids: string[]; state: 'open' | 'closed'; where: Where[] };

export type PlainRetraction = { text: string; ids: string[]; verdict: string | null; commits: string[]; where: Where };

export type PlainPhase = DatedAt & {
  id: string | null;
  status: 'DONE' | 'open';
  where: Where[];
  /** A `## DONE` heading above text that says that the phase is not done. */
  placeholder: Where | null;
};

export type PlainChecklist = { section: string; ticked: number; open: number; where: Where };

/** `known` is the commit in a repository: null if it is missing there, absent if no repository was asked. */
export type PlainCommit = { commit: string; ids: string[]; where: Where[]; known?: KnownCommit | null };

export type PlainBuild = { build: number; ids: string[]; where: Where[] };

export type KnownCommit = { sha: string; subject: string };

export type PlainVeto = DatedAt & {
  text: string;
  standing: boolean;
  lifted: Where | null;
  /** The veto's requirements; `met` is null if the text does not say. */
  checklist: { what: string; ids: string[]; met: boolean | null; where: Where[] }[];
  where: Where[];
};

export type FlagKind =
  | 'impossible-time'
  | 'fabricated'
  | 'retracted'
  | 'evidence-nowhere'
  | 'evidence-elsewhere'
  | 'no-evidence'
  | 'verdict-before-claim'
  | 'claim-without-verdict'
  | 'claim-without-gate'
  | 'sections-disagree'
  | 'veto-stands'
  | 'done-unsupported'
  | 'nothing-recognised'
  | 'not-all-read';

export type Flag = { kind: FlagKind; ids: string[]; what: string; where: Where[] };

export type Folded = {
  placed: Placed[];
  statements: PlainStatement[];
  gates: GateDraft[];
  findings: PlainFinding[];
  vetoes: PlainVeto[];
  phases: PlainPhase[];
};

export type PlainFile = { name: string; text: string };

export type Unplaced = { file: string; from: number; to: number; section: string; text: string };

export type PlainTrail = {
  phases: PlainPhase[];
  gates: PlainGate[];
  findings: PlainFinding[];
  vetoes: PlainVeto[];
  deferrals: PlainDeferral[];
  retractions: PlainRetraction[];
  checklists: PlainChecklist[];
  builds: PlainBuild[];
  commits: PlainCommit[];
  flags: Flag[];
  unplaced: Unplaced[];
};
