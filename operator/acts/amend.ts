// `coldpass amend PHASE --plan FILE`: replaces the plan of a phase under way with a complete new plan. The plan is read
// and checked like a plan to queue; the act pins the plan, the current recipes and the digest of the plan that is
// replaced.

import type { SignedAct } from '../../state/entry/act.ts';
import type { Phase } from '../../state/entry/phase.ts';
import { changedGates } from '../../state/fold/amendment.ts';
import { UsageError } from '../terminal/errors.ts';
import type { Here } from '../workspace/place.ts';
import { type Signing, signed } from '../workspace/sign.ts';
import { pinsOf, readyPlan } from './queue.ts';

export type AmendOptions = Signing & { place: Here; dir: string };

/** Returns the signed act. Throws UsageError for a plan that could not be queued. */
export async function amendAct(phase: Phase, file: string, because: string, options: AmendOptions): Promise<SignedAct> {
  const { place, dir, ...signing } = options;
  const plan = readyPlan(dir, file, place);
  const { blobs, ...pinned } = await pinsOf(plan, place, phase.base);
  const about = { phase: phase.id, replaces: phase.plan, plan: plan.digest, ...pinned, spec: plan.spec, because };
  return signed(place, { act: 'amend', ...about }, { ...signing, blobs });
}

/** The cost of an amendment, in words: which gates are judged again. */
export function amendSays(phase: Phase, { act: { payload } }: SignedAct): string {
  if (payload.act !== 'amend') throw new UsageError(`${payload.act} is not an amendment`);
  const gates = changedGates(phase, { ...payload, apps: payload.apps ?? [], holdout: payload.holdout ?? null }).filter(
    (gate) => gate !== 'DONE',
  );
  return gates.length === 0 ? 'only DONE is judged again' : `judged again: ${gates.join(', ')} and DONE`;
}
