// Checks that whoever gave a PASS was served the whole diff of the claim: makes the diff again from git, splits it into
// parts again, and compares these with the parts that the verdict says were served.

import type { EntryOf } from '../entry/entry.ts';
import type { Phase } from '../entry/phase.ts';
import { judgedAgainst, workDiff } from '../work/diff.ts';

/** Everything wrong with what a verdict says was served, in words. */
export async function servedProblems({ facts }: EntryOf<'verdict'>, phase: Phase, hub: string): Promise<string[]> {
  const { served } = facts;
  const claim = phase.claims.find(({ id }) => id === facts.claim);
  if (served === undefined || !claim) return [];
  const diff = await workDiff(hub, judgedAgainst(phase, claim), claim.sha);
  if ('tooLarge' in diff) return [`it says that the diff was served, but that is impossible: ${diff.tooLarge}`];
  if (diff.digest === served.diff && diff.parts.length === served.parts) return [];
  const actual = `the diff of claim #${claim.id} is ${diff.digest} in ${diff.parts.length} part(s)`;
  return [`it says that ${served.diff} in ${served.parts} part(s) was served, but ${actual}`];
}
