// Condition 4 of a claim, but for protected paths: earlier tests still hold over its code, and the operator's hold-outs do.
// Pure: which runs show it, and what they came to. Asked once a recipe, however many gates share it.

import { DONE, type GateId, type RecipeName, type Sha } from '../entry/ids.ts';
import type { Claim, Phase, Run } from '../entry/phase.ts';
import type { Purpose } from '../entry/record.ts';
import { countsFor, isFresh } from '../fold/evidence.ts';
import { missing, need, type Piece, settled, waivedOr, waiverOf } from '../fold/piece.ts';

type Asked = Extract<Purpose, { kind: 'kept' | 'holdout' }>;

/** A piece for each earlier commit whose tests must hold, and one for the hold-outs. `ready`: what they compare with is there. */
export function keptPieces(phase: Phase, claim: Claim, gate: GateId, ready: boolean, nowMs: number): Piece[] {
  const recipe = phase.spec.gates[gate]?.recipe;
  if (!recipe || !isFirst(phase, claim, gate)) return [];
  const asked: Asked[] = (claim.keeps[recipe] ?? []).map((from) => ({ kind: 'kept', claim: claim.id, recipe, from }));
  if (phase.spec.holdout !== null) asked.push({ kind: 'holdout', claim: claim.id, recipe });
  return asked.map((purpose) => pieceOf(phase, claim, gate, purpose, ready, nowMs));
}

/** Counted runs of an earlier commit, from which is learnt what was green there: all of the base's, the newest of a claim's. */
export function earlierRuns(phase: Phase, recipe: RecipeName, sha: Sha): Run[] {
  const counted = phase.runs.filter((run) => run.sha === sha && run.recipe === recipe && countsFor(phase, run));
  const ofBase = counted.filter(({ purpose }) => purpose.kind === 'base');
  return ofBase.length > 0 ? ofBase : counted.filter(({ purpose }) => purpose.kind === 'gate').slice(-1);
}

/** Counted gate runs of exactly the claim's commit. */
export function ownRuns(phase: Phase, claim: Claim, recipe: RecipeName): Run[] {
  return phase.runs.filter(
    (run) => run.sha === claim.sha && run.recipe === recipe && run.purpose.kind === 'gate' && countsFor(phase, run),
  );
}

/** The first of the gates judged that has this recipe. */
function isFirst(phase: Phase, claim: Claim, gate: GateId): boolean {
  if (claim.gate !== DONE) return true;
  const gates = Object.entries(phase.spec.gates);
  return gates.find(([, spec]) => spec.recipe === phase.spec.gates[gate]?.recipe)?.[0] === gate;
}

function pieceOf(phase: Phase, claim: Claim, gate: GateId, purpose: Asked, ready: boolean, nowMs: number): Piece {
  const condition = purpose.kind === 'kept' ? 'tests' : 'holdout';
  const run = phase.runs.findLast((one) => answers(phase, claim, purpose, one, nowMs));
  if (!run) return missing(condition, gate, ready ? [need(phase, gate, purpose, claim.sha)] : []);
  const piece = settled(condition, gate, run, claim);
  const [result, why] = purpose.kind === 'kept' ? keptWords(run) : holdoutWords(run);
  if (result === 'good') return piece;
  return waivedOr(piece, waiverOf(phase, gate, condition, nowMs), result, `${gate}: ${why}`);
}

/** For DONE any fresh run of exactly its SHA that answers the same question, whoever asked. */
function answers(phase: Phase, claim: Claim, asked: Asked, run: Run, nowMs: number): boolean {
  const { purpose } = run;
  if (purpose.kind !== asked.kind || purpose.recipe !== asked.recipe || !countsFor(phase, run)) return false;
  if (purpose.kind === 'kept' && asked.kind === 'kept' && purpose.from !== asked.from) return false;
  return claim.gate === DONE ? isFresh(run, claim, nowMs) : purpose.claim === claim.id;
}

function keptWords({ kept, reason, run }: Run): ['good' | 'bad' | 'held', string] {
  if (kept?.result === 'KEPT') return ['good', ''];
  const result = kept?.result === 'BROKEN' ? 'bad' : 'held';
  return [result, `earlier tests (${run}): ${kept?.why ?? reason}`];
}

/** Class and counts: nothing else of hold-outs is told to anybody. */
function holdoutWords({ outcome, counts, run }: Run): ['good' | 'bad', string] {
  if (outcome === 'PASS') return ['good', ''];
  return ['bad', `the hold-outs (${run}) ended ${outcome}: ${counts.pass} passed, ${counts.fail} failed`];
}
