// A run's entry against what it speaks of: the claim, plan and base that it was made for, and the record that the runner left.
// Facts and judgement are computed anew from `results.json` and git, by the same functions that made them.

import { type AuditStore, jsonOf } from './auditStore.ts';
import { canonicalJson } from './digest.ts';
import type { EntryOf, Facts } from './entry.ts';
import { evidenceMsMax } from './evidence.ts';
import { lostFacts, runFacts } from './facts.ts';
import { changedPaths } from './git.ts';
import type { RecipeName, RunId, Sha } from './ids.ts';
import type { Claim, Phase, Run } from './phase.ts';
import { PinnedRecipe } from './recipe.ts';
import { type Purpose, type RunRecord, uncounted } from './record.ts';
import { changedTests, type Judgement, judgeRevert } from './revert.ts';
import { testGlobsOf } from './spec.ts';
import { gatesJudged, isReference, slotOf } from './standing.ts';

const candidatesMax = 4;
const valueCharsMax = 80;
/** Entries are stamped to the second, records to the millisecond. */
const stampMs = 1000;

type RunEntry = EntryOf<'run'>;
type Using = { hub: string; store: AuditStore };

/** Everything about a run's entry that does not hold, in words. `phase` is as it was before it. */
export async function runProblems(entry: RunEntry, phase: Phase, using: Using): Promise<string[]> {
  const { run, results } = entry.facts;
  const problems = [...purposeProblems(entry, phase), ...slotProblems(entry, phase)];
  if (results === null) return [...problems, ...lostProblems(entry)];
  const path = `runs/${run}/results.json`;
  const digest = using.store.digestAt(path);
  if (digest === null) return [...problems, `${path} is not stored`];
  if (digest !== results) return [...problems, `${path} has the digest ${digest}; the entry names ${results}`];
  const record = await using.store.record(run);
  if (record === null) return [...problems, `${path} is no record of a run`];
  const control = await controlProblems(entry, phase, record, using);
  return [...problems, ...timeProblems(entry, phase, record), ...factsProblems(entry, phase, record), ...control];
}

/** What `admit` leaves open: that tree, gate, finding and reference are those of its claim. */
function purposeProblems({ facts }: RunEntry, phase: Phase): string[] {
  const { purpose, trees, outcome } = facts;
  const claim = 'claim' in purpose ? phase.claims.find((one) => one.id === purpose.claim) : undefined;
  if (purpose.kind === 'base' || purpose.kind === 'trial' || !claim) return [];
  const isUnknown = trees.main === undefined && outcome !== 'PASS';
  const isOther = !isUnknown && trees.main !== claim.tree;
  return [
    ...(isOther ? [`its tree is not that of claim #${claim.id}`] : []),
    ...gateProblems(facts, purpose, phase, claim),
  ];
}

function gateProblems(
  { recipe }: Facts<'run'>,
  purpose: Exclude<Purpose, { kind: 'base' | 'trial' }>,
  phase: Phase,
  claim: Claim,
): string[] {
  if (purpose.kind === 'reproducer') {
    const finding = phase.findings.find((one) => one.id === purpose.finding);
    return finding?.reproducer ? [] : [`#${purpose.finding} is no finding with a reproducer`];
  }
  if (!gatesJudged(phase, claim).includes(purpose.gate))
    return [`claim #${claim.id} of ${claim.gate} is not judged by ${purpose.gate}`];
  if (phase.spec.gates[purpose.gate]?.recipe !== recipe) return [`the recipe of ${purpose.gate} is not ${recipe}`];
  const reference = claim.references[purpose.gate] ?? phase.base;
  if (purpose.kind === 'control' && purpose.reference !== reference)
    return [`it compares with ${purpose.reference}; claim #${claim.id} gives ${reference}`];
  return [];
}

/** A slot is filled once: a second counted run would let somebody run until it is green. */
function slotProblems({ facts, at }: RunEntry, phase: Phase): string[] {
  if (facts.purpose.kind === 'trial' || uncounted.has(facts.outcome)) return [];
  const slot = slotOf(facts.purpose);
  const before = phase.runs.findLast((run) => !uncounted.has(run.outcome) && slotOf(run.purpose) === slot);
  if (!before || Object.values(phase.lifted).some((act) => act > before.id)) return [];
  const isAged = Date.parse(at) >= before.atMs + evidenceMsMax;
  return isAged ? [] : [`it is a second counted run of what #${before.id} (${before.run}) answered`];
}

/** Evidence begins after its claim and ends before its entry. */
function timeProblems({ facts, at }: RunEntry, phase: Phase, record: RunRecord): string[] {
  const { purpose } = facts;
  const claim = 'claim' in purpose ? phase.claims.find((one) => one.id === purpose.claim) : undefined;
  const problems: string[] = [];
  if (claim && record.startedAtMs < claim.atMs) problems.push(`it began before claim #${claim.id} was made`);
  if (record.endedAtMs >= Date.parse(at) + stampMs)
    problems.push('by its record it ended after this entry was written');
  if (record.testsCut && facts.outcome === 'PASS') problems.push('its record is cut, and such a run is never PASS');
  return problems;
}

function factsProblems({ facts }: RunEntry, phase: Phase, record: RunRecord): string[] {
  const { purpose, control } = facts;
  const expect = purpose.kind === 'gate' ? phase.spec.gates[purpose.gate]?.expect : undefined;
  return differences(facts, runFacts(record, { ...(expect && { expect }), ...(control && { control }) }), 'its record');
}

/** A run without results was lost, and says nothing. */
function lostProblems({ facts }: RunEntry): string[] {
  const { run, purpose, recipe, recipeDigest, shas, sandbox } = facts;
  const intent = { run, purpose, recipe: { name: recipe, digest: recipeDigest }, shas };
  return differences(facts, lostFacts(intent, sandbox), 'a run without results');
}

function differences(facts: Facts<'run'>, right: Facts<'run'>, source: string): string[] {
  const names = [...new Set([...Object.keys(facts), ...Object.keys(right)])] as (keyof Facts<'run'>)[];
  const wrong = names.filter((name) => canonicalJson([facts[name]]) !== canonicalJson([right[name]]));
  return wrong.map((name) => `${source} makes ${name} ${shown(right[name])}, the entry says ${shown(facts[name])}`);
}

function shown(value: unknown): string {
  return (canonicalJson(value) ?? 'nothing').slice(0, valueCharsMax);
}

async function controlProblems(entry: RunEntry, phase: Phase, record: RunRecord, using: Using): Promise<string[]> {
  const { purpose, control, outcome } = entry.facts;
  if (purpose.kind !== 'control' || uncounted.has(outcome))
    return control ? ['it has the judgement of a control, and is no counted control run'] : [];
  if (!control) return ['it is a control run without a judgement'];
  let last: Judgement | null = null;
  try {
    for await (const judgement of judgements(entry, phase, record, using)) {
      if (canonicalJson(judgement) === canonicalJson(control)) return [];
      last ??= judgement;
    }
  } catch (error) {
    return [`its judgement cannot be made again: ${(error as Error).message}`];
  }
  // Where there is nothing to compare with, nothing was shown: any words will do, as long as the result says so.
  if (last === null) return control.result === 'INCONCLUSIVE' ? [] : ['there are no runs to compare this control with'];
  return [`its records make the control ${last.result} («${last.why}»), the entry says ${control.result}`];
}

/**
 * What the three records say, for the newest runs of claim and reference first. Older ones too: another run of the same
 * tree may have been written between the judgement and its entry.
 */
async function* judgements(
  { facts }: RunEntry,
  phase: Phase,
  control: RunRecord,
  { hub, store }: Using,
): AsyncGenerator<Judgement> {
  const { purpose, recipe } = facts;
  const sha = facts.shas.main as Sha;
  if (purpose.kind !== 'control') return;
  const counted = (fits: (run: Run) => boolean) => {
    const runs = phase.runs.filter((run) => !uncounted.has(run.outcome) && run.recipe === recipe && fits(run));
    return runs.reverse().slice(0, candidatesMax);
  };
  const isOwn = (run: Run) => run.sha === sha && run.purpose.kind === 'gate' && run.purpose.gate === purpose.gate;
  const references = counted((run) => run.sha === purpose.reference && isReference(run));
  const changed = await changedPaths(hub, purpose.reference, sha);
  const changedTestFiles = changedTests(changed, await testGlobs(phase, recipe, store));
  for (const [one, other] of pairs(counted(isOwn), references)) {
    const [claim, reference] = await Promise.all([store.record(one), store.record(other)]);
    if (claim && reference) yield judgeRevert({ reference, claim, control, changedTestFiles });
  }
}

function pairs(claims: Run[], references: Run[]): [RunId, RunId][] {
  return claims.flatMap((claim) => references.map((reference): [RunId, RunId] => [claim.run, reference.run]));
}

/** What counts as a test in a phase: the pinned recipe's globs and the plan's. */
async function testGlobs(phase: Phase, recipe: RecipeName, store: AuditStore): Promise<string[]> {
  const pinned = PinnedRecipe.safeParse(jsonOf(await store.read(`blobs/${phase.recipes[recipe]}`)));
  return testGlobsOf(phase.spec, pinned.data?.recipe ?? { tests: [] });
}
