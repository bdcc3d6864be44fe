// The claim's diff in parts, which the supervisor makes from the hub. A session that judges a claim must read all of
// them before it may pass the claim. If there is only one part, the opening contains it; otherwise the session requests
// the parts with the tool `diff`.

import type { Facts } from '../../state/entry/entry.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { EntryId } from '../../state/entry/ids.ts';
import type { Claim, Phase } from '../../state/entry/phase.ts';
import { judgedAgainst, type WorkDiff, workDiff } from '../../state/work/diff.ts';
import type { Datum } from '../text/fence.ts';
import type { ToolReply } from '../tools/host.ts';

export type Review = {
  claim: EntryId;
  diff: WorkDiff;
};

/** Makes the diff that a review of `claim` must read. */
export async function reviewOf(hub: string, phase: Phase, claim: Claim): Promise<Review> {
  return { claim: claim.id, diff: await workDiff(hub, judgedAgainst(phase, claim), claim.sha) };
}

/** The opening's section on the diff, with the whole diff if it has one part. */
export function reviewOpening({ claim, diff }: Review): { text: string; data: Datum[] } {
  const title = `## What claim #${claim} changes`;
  if ('tooLarge' in diff)
    return {
      text: `${title}\n\nIt is not served: ${diff.tooLarge}. So no session can pass this claim; FAIL it, or say UNVERIFIED.`,
      data: [],
    };
  const { parts } = diff;
  if (parts.length === 0)
    return { text: `${title}\n\nNothing: the commit's files are those that it is held against.`, data: [] };
  if (parts.length > 1)
    return {
      text: `${title}\n\nThe diff has ${parts.length} parts: read each with the tool diff, from {"part": 1} on. A PASS is refused while one of them was not shown to you.`,
      data: [],
    };
  return { text: `${title}\n\nThe diff, whole:`, data: dataOf(diff.parts, 0) };
}

/** The reply of the tool `diff`. */
export function partReply(review: Review | null, part: number): ToolReply {
  if (!review) return { ok: false, text: 'you were not woken to judge a claim, so there is no diff to show' };
  const { diff } = review;
  if ('tooLarge' in diff) return { ok: false, text: `the diff is not served: ${diff.tooLarge}` };
  const count = diff.parts.length;
  if (part > count) return { ok: false, text: `the diff of claim #${review.claim} has ${count} part(s)` };
  return { ok: true, text: `part ${part} of ${count}`, data: dataOf(diff.parts, part - 1), parts: [part] };
}

/** What a PASS records about the diff that was served. Throws Refused if the session was not shown the whole diff. */
export function servedFacts(
  review: Review | null,
  verdict: Pick<Facts<'verdict'>, 'verdict' | 'claim'>,
  seen: readonly number[],
): Pick<Facts<'verdict'>, 'served'> {
  if (verdict.verdict !== 'PASS') return {};
  if (review?.claim !== verdict.claim)
    throw new Refused(`this session was not shown what claim #${verdict.claim} changes, so it cannot pass it`);
  const { diff } = review;
  if ('tooLarge' in diff)
    throw new Refused(
      `what claim #${verdict.claim} changes could not be shown (${diff.tooLarge}), so it cannot be passed`,
    );
  const { parts, digest } = diff;
  const missing = parts.length > 1 ? parts.flatMap((_, i) => (seen.includes(i + 1) ? [] : [i + 1])) : [];
  if (missing.length > 0)
    throw new Refused(
      `a PASS needs the whole diff: part(s) ${missing.join(', ')} of ${parts.length} were not shown to you yet`,
    );
  return { served: { diff: digest, parts: parts.length } };
}

function dataOf(parts: Extract<WorkDiff, { parts: unknown }>['parts'], at: number): Datum[] {
  const { text, within } = parts[at] as (typeof parts)[number];
  const what = `diff, part ${at + 1} of ${parts.length}`;
  return [...(within === null ? [] : [{ what: `${what} goes on in`, text: within }]), { what, text }];
}
