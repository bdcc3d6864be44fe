// Checks that each act was signed for this workspace, for this trail and for the exact text of the entry that it is
// about, and that a phase was opened with the plan and recipes that were signed. The signatures themselves are checked
// with each commit, not here.

import { targetOf } from '../entry/act.ts';
import { canonicalJson, digestOfJson } from '../entry/digest.ts';
import type { Entry, EntryOf, Facts } from '../entry/entry.ts';
import type { Digest } from '../entry/ids.ts';
import { isApp, PinnedRecipe } from '../entry/recipe.ts';
import { type PhaseSpec, unfitControl } from '../entry/spec.ts';
import { readPlan } from '../plan/plan.ts';
import { clockSkewMs, targetDigestOf } from '../trail/acts.ts';
import { type AuditStore, jsonOf } from './store.ts';

/** Entry times are in whole seconds, but the supervisor's clock counted milliseconds. */
const stampMs = 1000;

type Using = {
  store: AuditStore;
  /** `workspace` and `root` are read from the first commit; `workspace` is null if that commit names none. */
  workspace: string | null;
  root: string;
  /** The entry with that number, if an act can be about it. */
  target(id: number): Entry | undefined;
};

/** Everything wrong with an act, in words. Does not look at its signature, expiry and nonce. */
export async function actProblems({ facts, at }: EntryOf<'act'>, using: Using): Promise<string[]> {
  const { act } = facts;
  const { payload } = act;
  const problems: string[] = [];
  if (using.workspace !== null && act.workspace !== using.workspace)
    problems.push(`the act is for the workspace «${act.workspace}», not «${using.workspace}»`);
  if (act.root !== using.root) problems.push(`the act is for another trail, which begins with the key ${act.root}`);
  if (Date.parse(act.at) > Date.parse(at) + clockSkewMs + stampMs)
    problems.push(`the act is dated ${act.at}, after its entry`);
  const about = targetOf(payload);
  const target = about && using.target(about.target);
  if (target && targetDigestOf(target) !== about.targetDigest)
    problems.push(`the act was signed for a text other than that of #${about.target}`);
  if (payload.act === 'queue' || payload.act === 'amend') problems.push(...(await queueProblems(payload, using.store)));
  if (payload.act === 'amend') problems.push(...(await planProblems(payload, using.store)));
  return problems;
}

/**
 * Everything wrong with an `opened` entry, in words: the trail must store its plan, and its spec and recipes must match
 * that plan.
 */
export async function openedProblems(
  facts: Extract<Facts<'phase'>, { event: 'opened' }>,
  store: AuditStore,
): Promise<string[]> {
  const problems: string[] = [];
  const file = `plan-phase-${facts.spec.phase}.md`;
  if (store.digestAt(file) !== facts.plan) problems.push(`${file} is not the plan that was queued`);
  return [...problems, ...(await planProblems(facts, store))];
}

type Pinning = { plan: Digest; recipes: Record<string, Digest>; apps?: readonly string[] | undefined };
type Planned = Pinning & { spec: PhaseSpec };

async function planProblems({ plan, spec, recipes, apps = [] }: Planned, store: AuditStore): Promise<string[]> {
  const bytes = store.hasBlob(plan) ? await store.read(`blobs/${plan}`) : null;
  if (bytes === null) return [`the plan ${plan} is not stored`];
  const read = readPlan(bytes.toString('utf8'));
  if (!('spec' in read)) return ['the stored plan is not a valid plan'];
  const unpinned = Object.entries(spec.gates).find(([, gate]) => recipes[gate.recipe] === undefined);
  return [
    ...(canonicalJson(read.spec) === canonicalJson(spec) ? [] : ['its spec does not match the stored plan']),
    ...(unpinned ? [`${unpinned[0]} runs the recipe ${unpinned[1].recipe}, which is not pinned`] : []),
    ...[unfitControl(spec, apps) ?? []].flat(),
  ];
}

async function queueProblems({ plan, recipes, apps = [] }: Pinning, store: AuditStore): Promise<string[]> {
  const problems = store.hasBlob(plan) ? [] : [`the plan ${plan} that it signs is not stored`];
  for (const [name, digest] of Object.entries(recipes))
    problems.push(...(await recipeProblems(name, digest, apps.includes(name), store)));
  return problems;
}

async function recipeProblems(name: string, digest: Digest, isOfApp: boolean, store: AuditStore): Promise<string[]> {
  if (!store.hasBlob(digest)) return [`the recipe ${name} (${digest}) that it signs is not stored`];
  const read = PinnedRecipe.safeParse(jsonOf(await store.read(`blobs/${digest}`)));
  if (!read.success || read.data.name !== name || digestOfJson(read.data) !== digest)
    return [`what is stored as ${digest} is not the recipe ${name}`];
  const { harness, recipe } = read.data;
  const lost = harness.find((item) => item.digest !== null && !store.hasBlob(item.digest));
  return [
    ...(lost ? [`${lost.item} of the recipe ${name} is not stored`] : []),
    ...(isApp(recipe) === isOfApp
      ? []
      : [`the recipe ${name} is for ${inWords(isApp(recipe))}, but the act says that it is for ${inWords(isOfApp)}`]),
  ];
}

function inWords(isOfApp: boolean): string {
  return isOfApp ? 'an app' : 'commands';
}
