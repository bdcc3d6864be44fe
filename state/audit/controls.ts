// Rechecks controls: repeats each judgement from the records on the trail and the claim in git, with the functions that
// first made it. Also checks that the claim needs each control run, and that a patch by the Adversary is valid.

import { type ControlPurpose, judgeControl } from '../controls/judge.ts';
import type { Judgement } from '../controls/judgement.ts';
import { comparedWith, drillRuns, hollowTargets, sabotagesOf } from '../controls/requirements.ts';
import { applyPatch } from '../controls/sabotage.ts';
import { canonicalJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { RecipeName, RunId, Sha } from '../entry/ids.ts';
import { type Claim, isAppGate, type Phase, type Run } from '../entry/phase.ts';
import { PinnedRecipe, type Recipe } from '../entry/recipe.ts';
import { type RunRecord, uncounted } from '../entry/record.ts';
import { isFit } from '../entry/spec.ts';
import { isReference } from '../fold/requirement.ts';
import { functionCounts, patchableFiles, workFor } from '../work/changed.ts';
import { type AuditStore, jsonOf } from './store.ts';

const candidatesMax = 4;

type RunEntry = EntryOf<'run'>;
type Using = { hub: string; store: AuditStore };

/** Everything wrong with the judgement of a control run, in words. */
export async function judgedControlProblems(
  entry: RunEntry,
  phase: Phase,
  record: RunRecord,
  using: Using,
): Promise<string[]> {
  const { purpose, control, outcome } = entry.facts;
  if (purpose.kind !== 'control' || uncounted.has(outcome))
    return control ? ['it has a control judgement, but is not a counted control run'] : [];
  if (!control) return ['it is a control run without a judgement'];
  let last: Judgement | null = null;
  try {
    for await (const judgement of judgements(entry, purpose, phase, record, using)) {
      if (canonicalJson(judgement) === canonicalJson(control)) return [];
      last ??= judgement;
    }
  } catch (error) {
    return [`its judgement cannot be repeated: ${(error as Error).message}`];
  }
  // Without runs to compare, the control shows nothing: the result must be INCONCLUSIVE, for whatever reason.
  if (last === null) return control.result === 'INCONCLUSIVE' ? [] : ['there are no runs to compare this control with'];
  return [`by its records the control is ${last.result} («${last.why}»), but the entry says ${control.result}`];
}

/** Checks the purpose of a control run against the controls that its claim needs. */
export function targetProblems(
  { gate, control, reference, target }: ControlPurpose,
  phase: Phase,
  claim: Claim,
): string[] {
  const right = comparedWith(phase, claim, gate, control);
  const isOfApp = isAppGate(phase, gate);
  if (!isFit(control, isOfApp))
    return [
      `it is a control for ${isOfApp ? 'commands' : 'apps'}, but the recipe of ${gate} is for ${isOfApp ? 'an app' : 'commands'}`,
    ];
  if (reference !== right) return [`it compares with ${reference}; for claim #${claim.id} it should be ${right}`];
  const targets: (string | undefined)[] =
    control === 'hollow'
      ? hollowTargets(phase, claim, gate).map(String)
      : control === 'sabotage'
        ? sabotagesOf(phase, claim, gate).map(({ id }) => `${id}`)
        : [undefined];
  return targets.includes(target)
    ? []
    : [`claim #${claim.id} needs no ${control} control with target ${target ?? 'none'}`];
}

/** Recounts the functions that a claim changes, and reports any difference from what the claim's entry says. */
export async function functionProblems({ facts }: EntryOf<'claim'>, phase: Phase, using: Using): Promise<string[]> {
  const { references, functions = {}, shas } = facts;
  const claim = { sha: shas.main as Sha, references };
  const right = await functionCounts(using.hub, phase, claim, (name) => recipeOf(phase, name, using.store));
  const [stated, counted] = [canonicalJson(functions), canonicalJson(right)];
  return stated === counted
    ? []
    : [`the number of functions it changes, by gate, is ${counted}, but it says ${stated}`];
}

/** A patch must apply, and may change only production files that its claim adds or changes. */
export async function sabotageProblems({ facts }: EntryOf<'sabotage'>, phase: Phase, using: Using): Promise<string[]> {
  const claim = phase.claims.find(({ id }) => id === facts.claim);
  const gate = phase.spec.gates[facts.gate];
  if (!claim || !gate) return [];
  const recipe = await recipeOf(phase, gate.recipe, using.store);
  const reference = comparedWith(phase, claim, facts.gate, 'sabotage');
  const known = await patchableFiles({ hub: using.hub, reference, sha: claim.sha, spec: phase.spec, recipe });
  const result = applyPatch(facts.edits, known);
  return 'refused' in result ? [`its patch is not valid: ${result.refused}`] : [];
}

/**
 * One judgement of the control for each pair of runs, one of the claim and one of the reference, the newest first. The
 * newest runs may have been recorded after the judgement on the trail was made and before it was written, so older runs
 * are tried too.
 */
async function* judgements(
  { facts }: RunEntry,
  purpose: ControlPurpose,
  phase: Phase,
  control: RunRecord,
  { hub, store }: Using,
): AsyncGenerator<Judgement> {
  const sha = facts.shas.main as Sha;
  const counted = (fits: (run: Run) => boolean) => {
    const runs = phase.runs.filter((run) => !uncounted.has(run.outcome) && run.recipe === facts.recipe && fits(run));
    return runs.reverse().slice(0, candidatesMax);
  };
  const isOwn = (run: Run) => run.sha === sha && run.purpose.kind === 'gate' && run.purpose.gate === purpose.gate;
  const references = counted((run) => run.sha === purpose.reference && isReference(run));
  const recipe = await recipeOf(phase, facts.recipe, store);
  const work = await workFor(purpose.control, { hub, reference: purpose.reference, sha, spec: phase.spec, recipe });
  const drills = await drillsOf(phase, facts, purpose, store);
  for (const [one, other] of pairs(counted(isOwn), references)) {
    const [claim, reference] = await Promise.all([store.record(one), store.record(other)]);
    if (claim && reference)
      yield judgeControl(purpose, { reference, claim, control, drills }, work, { spec: phase.spec, recipe });
  }
}

async function drillsOf(
  phase: Phase,
  { shas, recipeDigest }: RunEntry['facts'],
  { gate, control }: ControlPurpose,
  store: AuditStore,
): Promise<RunRecord[]> {
  if (control !== 'published') return [];
  const runs = drillRuns(phase, gate, { sha: shas.main as Sha, recipeDigest });
  const records = await Promise.all(runs.map(({ run }) => store.record(run)));
  return records.flatMap((record) => record ?? []);
}

function pairs(claims: Run[], references: Run[]): [RunId, RunId][] {
  return claims.flatMap((claim) => references.map((reference): [RunId, RunId] => [claim.run, reference.run]));
}

async function recipeOf(phase: Phase, name: RecipeName, store: AuditStore): Promise<Recipe> {
  return PinnedRecipe.parse(jsonOf(await store.read(`blobs/${phase.recipes[name]}`))).recipe;
}
