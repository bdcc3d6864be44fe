// The control `sabotage`: the Adversary patches what the claim changes, and one of the claim's tests must then fail on
// an assertion. Used only if every other control is inconclusive. Pure: applies the patch, and tells what its run
// shows. A patch that no test notices shows nothing: perhaps it breaks nothing, and text from a model does not judge.

import type { PatchEdit } from '../entry/entry.ts';
import type { RunRecord } from '../entry/record.ts';
import type { ChangedSource } from './hollow.ts';
import { byId, inconclusive, type Judgement, judged, names, unlike } from './judgement.ts';
import { bites, isClaims } from './revert.ts';

/** The limit for all edits of a patch together. */
export const sabotageBytesMax = 16 * 1024;
/** The most patches that may be tried for a gate of one claim. */
export const sabotagesMax = 3;

/** The patched files, by path; or why the patch cannot be applied. */
export function applyPatch(
  edits: readonly PatchEdit[],
  files: ReadonlyMap<string, Pick<ChangedSource, 'after'>>,
): { files: Map<string, string> } | { refused: string } {
  const bytes = edits.reduce((sum, { find, replace }) => sum + Buffer.byteLength(find + replace), 0);
  if (bytes > sabotageBytesMax)
    return { refused: `the patch has ${bytes} bytes, over ${sabotageBytesMax}: make it smaller` };
  const left = new Map<string, string>();
  for (const { path, find, replace } of edits) {
    const text = left.get(path) ?? files.get(path)?.after;
    if (text === undefined) return { refused: `${path} is no production file that the claim adds or changes` };
    const at = text.indexOf(find);
    if (at < 0 || text.indexOf(find, at + 1) >= 0)
      return {
        refused: `${path} holds this ${at < 0 ? 'nowhere' : 'more than once'}: ${JSON.stringify(find.slice(0, 80))}`,
      };
    left.set(path, text.slice(0, at) + replace + text.slice(at + find.length));
  }
  const same = [...left].find(([path, text]) => files.get(path)?.after === text);
  return same ? { refused: `nothing would change in ${same[0]}` } : { files: left };
}

export type SabotageRuns = {
  reference: RunRecord;
  claim: RunRecord;
  control: RunRecord;
  /** Paths of tests that differ between reference and claim. */
  changedTestFiles: readonly string[];
};

/** BITES if one of the claim's tests fails on an assertion; any other result is inconclusive. */
export function judgeSabotage({ reference, claim, control, changedTestFiles }: SabotageRuns): Judgement {
  const spoilt = unlike(claim, control, 'the patched files');
  if (spoilt !== null) return inconclusive(spoilt);
  const there = byId(control.tests);
  const before = byId(reference.tests);
  const own = claim.tests.filter(
    (test) => test.status === 'pass' && isClaims(test, before.get(test.id), changedTestFiles),
  );
  const biting = own.filter((test) => bites(there.get(test.id)));
  if (biting.length > 0) return judged('BITES', `Under the patch these fail on an assertion: ${names(biting)}.`);
  if (control.outcome === 'PASS') return inconclusive('Every test stays green under the patch.');
  const failing = claim.tests.filter((test) => test.status === 'pass' && there.get(test.id)?.status !== 'pass');
  const which = failing.length > 0 ? `: ${names(failing)}` : `, but no test: ${control.reason}`;
  return inconclusive(
    `Under the patch no test that the claim adds or changes fails on an assertion. What went red${which}.`,
  );
}
