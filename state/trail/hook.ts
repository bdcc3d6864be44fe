// The hub's `pre-receive` hook limits what a push may do. The supervisor writes without pushing, so the hook is for
// people with git and a path to the hub, for other machines later, and for anything else that manages to push.
//
//   main        accepts no push: `coldpass` copies it from the operator's repository
//   phase/<id>  accepts a fast-forward if it exists, is not frozen, and the new commits pass `judgeIncoming`
//   trail       accepts only commits that the funnel would write (`commitRule.ts`)
//   any other   accepts no push
//
// Runs as a separate process (`main` below, the only place besides cli.ts that reads process arguments). Without node,
// without this file, or on any internal error, the push is refused.

import { readFileSync, realpathSync } from 'node:fs';
import { Refused } from '../entry/errors.ts';
import { PhaseId, Sha } from '../entry/ids.ts';
import { phaseAt } from '../entry/phase.ts';
import { standsStill } from '../gate/admitClaim.ts';
import { branchHead, isAncestor } from '../git/git.ts';
import { judgeIncoming, type Quarantined } from '../git/incoming.ts';
import { publishLimits } from '../git/publish.ts';
import { type CommitProblem, checkCommit } from './commitRule.ts';
import { openHub } from './hub.ts';
import { withTrail } from './read.ts';
import { placeAt, walkTrail } from './walk.ts';

const problemsShownMax = 10;

export type RefUpdate = { ref: string; old: string; new: string };

/** Every reason against a push, in words; empty if the push is accepted. `received` is where git unpacked the push. */
export async function checkPush(dir: string, updates: RefUpdate[], received: Quarantined): Promise<string[]> {
  const reasons: string[] = [];
  for (const update of updates) {
    const faults = await checkUpdate(dir, update, received).catch((error: unknown) => {
      if (error instanceof Refused) return [error.message];
      throw error;
    });
    reasons.push(...faults.map((reason) => `${update.ref}: ${reason}`));
  }
  return reasons;
}

async function checkUpdate(dir: string, update: RefUpdate, received: Quarantined): Promise<string[]> {
  const branch = branchOf(update.ref);
  if (branch === null) return ['only phase/<id> and trail accept a push'];
  if (/^0+$/.test(update.new)) return ['branches are never removed'];
  const old = await branchHead(dir, branch);
  if (old === null || old !== update.old)
    return ['there is no such branch, or it has moved: phases are opened by a plan'];
  const head = Sha.parse(update.new);
  if (!(await isAncestor(dir, old, head, received))) return [`not a fast-forward of ${old}`];
  if (branch === 'trail') return checkTrail(dir, old, head, received);
  if (await isFrozen(dir, branch)) return ['it may not move while its DONE is judged, or while its phase is not open'];
  await judgeIncoming(dir, head, publishLimits, received);
  return [];
}

function branchOf(ref: string): string | null {
  if (ref === 'refs/heads/trail') return 'trail';
  const [, id] = /^refs\/heads\/phase\/(.+)$/.exec(ref) ?? [];
  return PhaseId.safeParse(id).success ? `phase/${id}` : null;
}

/**
 * True if the branch must not move, which is when `publish` would be refused too: the operator must get the commit that
 * was judged.
 */
function isFrozen(dir: string, branch: string): Promise<boolean> {
  return withTrail(dir, ({ state }) => {
    const phase = state.phases[branch.replace('phase/', '')];
    return phase !== undefined && standsStill(phaseAt(phase, Date.now()));
  });
}

async function checkTrail(dir: string, old: Sha, head: Sha, received: Quarantined): Promise<string[]> {
  const { genesis } = await openHub(dir);
  let place = await placeAt(dir, genesis, old);
  const problems: CommitProblem[] = [];
  for await (const commit of walkTrail(dir, old, head, received)) {
    const checked = checkCommit(place, commit);
    problems.push(...checked.problems);
    place = checked.next;
    if (problems.length >= problemsShownMax) break;
  }
  return problems.slice(0, problemsShownMax).map(({ rule, commit, entry, what }) => {
    return `${rule}: ${commit.slice(0, 12)}${entry === null ? '' : ` #${entry}`}: ${what}`;
  });
}

async function main([dir = '', directory = '', alternates = '']: string[]): Promise<number> {
  const updates = readFileSync(0, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [old = '', next = '', ref = ''] = line.split(' ');
      return { ref, old, new: next };
    });
  const reasons = await checkPush(dir, updates, { objects: { directory, alternates } }).catch((error: unknown) => {
    return [`the push cannot be checked: ${(error as Error).message}`];
  });
  for (const reason of reasons) process.stderr.write(`coldpass refuses: ${reason}\n`);
  return reasons.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename) {
  process.exitCode = await main(process.argv.slice(2));
}
