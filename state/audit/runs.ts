// Checks the entry of a run against the claim, plan and base that the run was made for, and against the runner's
// record. Recomputes facts and judgement from `results.json` and git, with the functions that first made them.

import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf, Facts } from '../entry/entry.ts';
import type { EntryId, RecipeName } from '../entry/ids.ts';
import type { Claim, Phase } from '../entry/phase.ts';
import { type Purpose, type RunRecord, uncounted } from '../entry/record.ts';
import { gatesUnder } from '../entry/spec.ts';
import { countsFor, evidenceMsMax } from '../fold/evidence.ts';
import { asksOf, lostFacts, runFacts } from '../fold/facts.ts';
import { slotOf } from '../fold/requirement.ts';
import { comparedProblems } from './compared.ts';
import { targetProblems } from './controls.ts';
import type { AuditStore } from './store.ts';

const valueCharsMax = 80;
/** Entry times are in whole seconds, record times in milliseconds. */
const stampMs = 1000;

type RunEntry = EntryOf<'run'>;
type Using = { hub: string; store: AuditStore };

/** Everything wrong with a run's entry, in words. `phase` is the phase's state before that entry. */
export async function runProblems(entry: RunEntry, phase: Phase, using: Using): Promise<string[]> {
  const { run, results } = entry.facts;
  const problems = [...purposeProblems(entry, phase), ...slotProblems(entry, phase)];
  if (results === null) return [...problems, ...lostProblems(entry)];
  const path = `runs/${run}/results.json`;
  const digest = using.store.digestAt(path);
  if (digest === null) return [...problems, `${path} is not stored`];
  if (digest !== results) return [...problems, `${path} has the digest ${digest}; the entry names ${results}`];
  const record = await using.store.record(run);
  if (record === null) return [...problems, `${path} is not a valid record of a run`];
  const compared = await comparedProblems(entry, phase, record, using);
  return [...problems, ...timeProblems(entry, phase, record), ...factsProblems(entry, phase, record), ...compared];
}

/** Checks what `admit` does not: that the run's tree, gate, finding and reference are those of its claim. */
function purposeProblems({ facts }: RunEntry, phase: Phase): string[] {
  const { purpose, trees, outcome } = facts;
  const claim = 'claim' in purpose ? phase.claims.find((one) => one.id === purpose.claim) : undefined;
  if (!('claim' in purpose) || !claim) return [];
  const isUnknown = trees.main === undefined && outcome !== 'PASS';
  const isOther = !isUnknown && trees.main !== claim.tree;
  // The plan was amended while the run was under way: the run is on record, but counts for nothing.
  const isOfEarlierPlan = claim.withdrawn !== null || facts.recipeDigest !== phase.recipes[facts.recipe];
  return [
    ...(isOther ? [`its tree is not that of claim #${claim.id}`] : []),
    ...(isOfEarlierPlan ? [] : gateProblems(facts, purpose, phase, claim)),
  ];
}

function gateProblems(
  { recipe }: Facts<'run'>,
  purpose: Extract<Purpose, { claim: EntryId }>,
  phase: Phase,
  claim: Claim,
): string[] {
  if (purpose.kind === 'reproducer') {
    const finding = phase.findings.find((one) => one.id === purpose.finding);
    return finding?.reproducer ? [] : [`#${purpose.finding} is not a finding with a reproducer`];
  }
  if (purpose.kind === 'kept' || purpose.kind === 'holdout') return earlierProblems(recipe, purpose, phase, claim);
  if (!gatesUnder(phase.spec, claim.gate).includes(purpose.gate))
    return [`claim #${claim.id} of ${claim.gate} is not judged by ${purpose.gate}`];
  if (phase.spec.gates[purpose.gate]?.recipe !== recipe) return [`the recipe of ${purpose.gate} is not ${recipe}`];
  return purpose.kind === 'control' ? targetProblems(purpose, phase, claim) : [];
}

function earlierProblems(
  recipe: RecipeName,
  purpose: Extract<Purpose, { kind: 'kept' | 'holdout' }>,
  phase: Phase,
  claim: Claim,
): string[] {
  if (purpose.recipe !== recipe) return [`its recipe is ${recipe}, but its purpose names ${purpose.recipe}`];
  if (purpose.kind === 'holdout') return phase.holdout === null ? ['the plan names no hold-outs'] : [];
  return claim.keeps[recipe]?.includes(purpose.from)
    ? []
    : [`claim #${claim.id} does not have to keep the tests of ${purpose.from}`];
}

/** Allows each slot only one run that counts: otherwise somebody could rerun until the result is green. */
function slotProblems({ facts, at }: RunEntry, phase: Phase): string[] {
  const isRepeatable = facts.purpose.kind === 'trial' || facts.purpose.kind === 'trigger';
  if (isRepeatable || uncounted.has(facts.outcome)) return [];
  const slot = slotOf(facts.purpose);
  const before = phase.runs.findLast((run) => countsFor(phase, run) && slotOf(run.purpose) === slot);
  if (!before || Object.values(phase.lifted).some((act) => act > before.id)) return [];
  const isAged = Date.parse(at) >= before.atMs + evidenceMsMax;
  return isAged ? [] : [`it is a second counted run of what #${before.id} (${before.run}) already answered`];
}

/** Checks that the run began after its claim was made and ended before its entry was written. */
function timeProblems({ facts, at }: RunEntry, phase: Phase, record: RunRecord): string[] {
  const { purpose } = facts;
  const claim = 'claim' in purpose ? phase.claims.find((one) => one.id === purpose.claim) : undefined;
  const problems: string[] = [];
  if (claim && record.startedAtMs < claim.atMs) problems.push(`it began before claim #${claim.id} was made`);
  if (record.endedAtMs >= Date.parse(at) + stampMs)
    problems.push('by its record it ended after this entry was written');
  if (record.testsCut && facts.outcome === 'PASS')
    problems.push('its record is truncated, and such a run is never PASS');
  return problems;
}

function factsProblems({ facts }: RunEntry, phase: Phase, record: RunRecord): string[] {
  const { purpose, control, kept } = facts;
  return differences(facts, runFacts(record, { asks: asksOf(phase, purpose), control, kept }), 'its record');
}

/** Checks that a run without results is recorded as lost, so that it proves nothing. */
function lostProblems({ facts }: RunEntry): string[] {
  const { run, purpose, recipe, recipeDigest, shas, sandbox } = facts;
  const intent = { run, purpose, recipe: { name: recipe, digest: recipeDigest }, shas };
  return differences(facts, lostFacts(intent, sandbox), 'a run without results');
}

function differences(facts: Facts<'run'>, right: Facts<'run'>, source: string): string[] {
  const names = [...new Set([...Object.keys(facts), ...Object.keys(right)])] as (keyof Facts<'run'>)[];
  const wrong = names.filter((name) => canonicalJson([facts[name]]) !== canonicalJson([right[name]]));
  return wrong.map((name) => `${source} gives ${name} ${shown(right[name])}, but the entry says ${shown(facts[name])}`);
}

function shown(value: unknown): string {
  return (canonicalJson(value) ?? 'nothing').slice(0, valueCharsMax);
}
