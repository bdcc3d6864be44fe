// `coldpass approve N --plan FILE`: takes deferred work up again. The act queues the plan that carries out the work,
// and signs the plan, the recipes, and the text of the deferral or proposal that it answers.

import type { SignedAct } from '../../state/entry/act.ts';
import type { Entry } from '../../state/entry/entry.ts';
import { targetDigestOf } from '../../state/trail/acts.ts';
import { UsageError } from '../terminal/errors.ts';
import type { Here } from '../workspace/place.ts';
import { type QueueOptions, queueAct, readyPlan } from './queue.ts';

export type TakeUpOptions = Pick<QueueOptions, 'env' | 'now' | 'expiresMs'> & { place: Here; dir: string };

/** True for entries that a plan can answer. */
export function isDeferred(entry: Entry | undefined): boolean {
  return entry?.kind === 'deferral' || entry?.kind === 'reentry';
}

/**
 * Returns the act for the plan in `file`. Throws UsageError for a plan that cannot be queued, or for an entry that no
 * plan can answer.
 */
export function reentryAct(
  target: Entry | undefined,
  file: string | undefined,
  options: TakeUpOptions,
): Promise<SignedAct> {
  if (!target || !isDeferred(target)) throw new UsageError('--plan is only for deferred items; see: coldpass inbox');
  if (file === undefined)
    throw new UsageError(
      `#${target.id} is a deferred item; name the plan that does it: coldpass approve ${target.id} --plan FILE`,
    );
  const reentry = { target: target.id, targetDigest: targetDigestOf(target) };
  const { place, dir, ...signing } = options;
  return queueAct(readyPlan(dir, file, place), place, { ...signing, reentry });
}
