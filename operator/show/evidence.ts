// One entry as evidence for a condition: where it is in git, and its outcome, if the entry itself does not contain it.
// Pure. `sayExplained.ts` puts it into words.

import type { Entry, EntryOf } from '../../state/entry/entry.ts';
import type { EntryId } from '../../state/entry/ids.ts';
import type { Phase } from '../../state/entry/phase.ts';
import { type GateReport, isBlocking, mayJudge } from '../../state/gate/gate.ts';
import type { EntryPlace } from '../../state/trail/entryPlaces.ts';

/** One clause that a verdict checked; `cites` are in words, such as `r-4f2a… (#20)`. */
export type CheckShown = { clause: string; text: string; saw: string; cites: string[] };

export type EvidenceItem = {
  id: EntryId;
  /** Where the entry is: `git show COMMIT:PATH` shows it as it was signed. Null if git cannot find it. */
  place: EntryPlace | null;
  entry: Entry;
  /** The outcome: whether a finding or veto is open, whether a verdict counts, how a session ended. */
  state?: string;
  /** Only for a verdict. */
  checks?: CheckShown[];
};

export type Looking = { phase: Phase; report: GateReport; entries: readonly Entry[] };

/** The entry with its outcome in this phase. */
export function evidenceItem(entry: Entry, place: EntryPlace | null, looking: Looking): EvidenceItem {
  const known = { id: entry.id as EntryId, place: placeOf(entry, place), entry };
  const state = stateOf(entry, looking);
  return {
    ...known,
    ...(state !== null && { state }),
    ...(entry.kind === 'verdict' && { checks: checksOf(entry, looking) }),
  };
}

/** For a run, the place of its record: the record says more than the entry, and the same commit added both. */
function placeOf(entry: Entry, place: EntryPlace | null): EntryPlace | null {
  if (place === null || entry.kind !== 'run' || entry.facts.results === null) return place;
  return { ...place, path: `machine-docs/runs/${entry.facts.run}/results.json` };
}

function stateOf(entry: Entry, { phase, report }: Looking): string | null {
  switch (entry.kind) {
    case 'finding':
      return findingState(entry.id, phase, report);
    case 'veto':
      return vetoState(entry.id, phase);
    case 'verdict':
      return verdictState(entry, phase, report);
    case 'session':
      return sessionState(entry.id, phase);
    default:
      return null;
  }
}

function findingState(id: number, phase: Phase, { claim }: GateReport): string | null {
  const finding = phase.findings.find((one) => one.id === id);
  if (!finding) return null;
  if (finding.closed !== null) return `closed by #${finding.closed}`;
  return isBlocking(phase, claim, finding) ? 'open and blocking' : 'open; its reproducer is not red here';
}

function vetoState(id: number, { vetoes }: Phase): string | null {
  const veto = vetoes.find((one) => one.id === id);
  if (!veto) return null;
  return veto.lifted === null ? 'in force' : `lifted by #${veto.lifted}`;
}

function sessionState(id: number, { sessions }: Phase): string | null {
  const session = sessions.find((one) => one.id === id);
  if (!session) return null;
  const runs = session.shownRuns.length;
  const end = session.end === null ? 'awake' : `ended: ${session.end}`;
  return `${session.session}, was shown ${runs} ${runs === 1 ? 'run' : 'runs'}, ${end}`;
}

function verdictState(entry: EntryOf<'verdict'>, phase: Phase, { verdict, standing }: GateReport): string {
  if (verdict?.id === entry.id) return 'this verdict counts';
  const why = standing && mayJudge(phase, entry.facts.session, standing);
  return why ? `does not count: ${why}` : 'does not count';
}

function checksOf({ facts }: EntryOf<'verdict'>, { phase, entries }: Looking): CheckShown[] {
  const clauses = [...phase.spec.clauses, ...phase.spec.dod];
  const runEntry = (run: string) => entries.find((one) => one.kind === 'run' && one.facts.run === run)?.id;
  return facts.checks.map(({ clause, saw, cites }) => ({
    clause,
    text: clauses.find(({ id }) => id === clause)?.text ?? '',
    saw,
    cites: cites.map((cite) =>
      'run' in cite ? `${cite.run} (#${runEntry(cite.run) ?? '?'})` : `call ${cite.call} of ${facts.session}`,
    ),
  }));
}
