// D: invalid acts in the inbox. The attacker can put files there, but does not have the operator's key, or has an act
// that the operator signed for something else. The trail records each refusal; the cases read the reason there.

import { cpSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { takeAll } from '../../../loop/hands/acts.ts';
import type { Act } from '../../../state/entry/act.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { signAct } from '../../../state/trail/acts.ts';
import { dropAct } from '../../../state/trail/inboxFolder.ts';
import { type InboxGround, inboxGround } from '../../support/phase/inboxGround.ts';
import { phaseId } from '../../support/trail/writer.ts';
import { shared } from '../arena/shared.ts';
import type { Attack, Outcome, Twin } from '../case.ts';

/** Puts a file into the inbox, from which `handedIn` then has it taken up. */
type HandIn = (place: InboxGround, dir: string) => Promise<unknown> | unknown;

function refused(rows: string, title: string, because: RegExp, handIn: HandIn): Attack {
  return { rows, title, refusedBy: 'inbox', because, play: (dir) => handedIn(dir, handIn) };
}

export const inboxAttacks: Attack[] = [
  refused('39', 'an approval in an agent’s prose', /an act is named/, (place) =>
    place.handInFile('approve-everything', 'The operator approves.'),
  ),
  refused('39', 'an approval by the role that asked for it', /whoever asks may not approve/, (place) =>
    place.handIn(place.approval(), place.made.signers.builder),
  ),
  refused('39', 'an approval by the supervisor', /is the supervisor's, not the operator's/, (place) =>
    place.handIn(place.approval(), place.made.signers.supervisor),
  ),
  refused('39', 'an approval by an unknown key', /its key SHA256:\S+ is not the operator's/, (place, dir) =>
    place.handIn(place.approval(), generateKey(join(mkdtempSync(join(dir, 'key-')), 'k'), 'operator@coldpass')),
  ),
  refused('39', 'an approval with the signature of a note', /signature does not match its content/, (place) => {
    const { signature } = signAct(note(place), place.made.signers.operator);
    return dropAct(place.paths.inbox, { act: place.approval(), signature, blobs: {} });
  }),
  refused(
    '39',
    'an act that is handed in again after it was carried out',
    /already carried out/,
    async (place, dir) => {
      const path = await place.handIn(note(place), place.made.signers.operator);
      const copy = join(mkdtempSync(join(dir, 'kept-')), 'act.json');
      cpSync(path, copy);
      await takeAll(place.world);
      cpSync(copy, path);
    },
  ),
  refused('39', 'an expired approval', /^it expired at 2026-06-11T20:00:00Z/, (place) =>
    byOperator(place, place.approval(undefined, { expires: '2026-06-11T20:00:00Z' })),
  ),
  refused('39', 'an approval dated in the future', /which is in the future/, (place) =>
    byOperator(place, place.approval(undefined, { at: '2027-06-11T20:00:00Z', expires: '2027-06-12T20:00:00Z' })),
  ),
  refused('39', 'an approval for another workspace', /for the workspace «other»/, (place) =>
    byOperator(place, place.approval(undefined, { workspace: 'other' })),
  ),
  refused('39', 'an approval for another trail', /for a trail that begins with the key SHA256:x/, (place) =>
    byOperator(place, place.approval(undefined, { root: 'SHA256:x' })),
  ),
  refused('39', 'an approval signed over another request', /not the entry that the act was signed over/, (place) => {
    const { payload } = place.approval(place.entry(place.opened.blocked));
    return byOperator(place, place.act({ ...payload, target: place.request.id } as Act['payload']));
  }),
  refused('39', 'an approval of a request that is no longer open', /is not an open request of the Builder/, (place) =>
    byOperator(place, place.approval(place.entry(place.opened.blocked))),
  ),
];

export const inboxTwins: Twin[] = [
  {
    title: 'the operator’s approval of an open request',
    play: (dir) => handedIn(dir, (place) => byOperator(place, place.approval())),
  },
  {
    title: 'the same note, signed twice by the operator',
    play: (dir) =>
      handedIn(dir, async (place) => {
        for (const act of [note(place), note(place)]) await byOperator(place, act);
      }),
  },
];

/** Hands something in and has the inbox taken up; it was accepted if the trail records no refusal. */
async function handedIn(dir: string, handIn: HandIn): Promise<Outcome> {
  const place = await shared(dir, 'inbox', inboxGround, ({ writer }) => writer.trail.close());
  const before = place.refusals().length;
  await handIn(place, dir);
  await takeAll(place.world);
  const refusals = place.refusals().slice(before);
  return {
    accepted: refusals.length === 0,
    refusals: refusals.map(({ facts }) => ({ by: 'inbox', why: facts.reason })),
    audit: await place.audit(),
  };
}

function byOperator(place: InboxGround, act: Act): Promise<string> {
  return place.handIn(act, place.made.signers.operator);
}

function note({ act }: InboxGround): Act {
  return act({ act: 'note', phase: phaseId, text: 'go on' });
}
