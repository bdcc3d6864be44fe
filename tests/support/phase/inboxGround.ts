// The supervisor's inbox over a real trail, for a phase with an open request of the Builder; acts are handed in as
// files.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryLog } from '../../../loop/hands/log.ts';
import type { World } from '../../../loop/hands/world.ts';
import { audit } from '../../../state/audit/audit.ts';
import type { Act, ActPayload, SignedAct } from '../../../state/entry/act.ts';
import type { Entry, EntryOf } from '../../../state/entry/entry.ts';
import type { EntryId } from '../../../state/entry/ids.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { signAct, targetDigestOf } from '../../../state/trail/acts.ts';
import { dropAct } from '../../../state/trail/inboxFolder.ts';
import { statePaths } from '../../../state/trail/workspace.ts';
import { makeHub } from '../repo.ts';
import { harnessText, M1, openPhase, openWriter, phaseId, type Writer } from '../trail/writer.ts';

const hour = 3_600_000;

export type InboxGround = Awaited<ReturnType<typeof inboxGround>>;

/** Everything that the inbox uses is real. Sandbox, engine and agents are left out, since the inbox never uses them. */
export async function inboxGround(dir?: string) {
  const made = await makeHub([{ 'src/keep.js': 'export {};\n', 'runner.config.js': harnessText }], dir);
  const writer: Writer = await openWriter(made);
  const { trail } = writer;
  const entries = entryLog();
  trail.onAppended((added) => entries.add(added));
  const opened = await openPhase(writer);
  const session = await writer.wake('builder', { kind: 'work' });
  const asks = { session, action: 'open the port', verify: 'it answers', blocks: [M1], options: [] };
  const asking = { kind: 'blocked', role: 'builder', phase: phaseId, facts: asks, body: '' } as const;
  const request = await writer.append<EntryOf<'blocked'>>(asking);
  const paths = statePaths(made.stateDir);
  mkdirSync(paths.inbox);
  let later = 0;
  const nowMs = () => Date.parse(entries.entries.at(-1)?.at ?? '') + later;
  const world = {
    workspace: { name: 'sample', root: made.hub.root },
    paths,
    trail,
    entries,
    clock: { nowMs },
    log: { warn: () => undefined, info: () => undefined },
  } as unknown as World;

  let nonces = 0;
  /** An act as the operator's command makes it, except for `change`. */
  function act(payload: ActPayload, change: Partial<Act> = {}): Act {
    const at = stamp(nowMs());
    const nonce = (0xabc000 + ++nonces).toString(16).padStart(32, '0');
    return {
      v: 1,
      workspace: 'sample',
      root: made.hub.root,
      nonce,
      at,
      expires: stamp(nowMs() + hour),
      payload,
      ...change,
    };
  }
  function approval(target: EntryOf<'blocked'> | Entry = request, change: Partial<Act> = {}): Act {
    return act({ act: 'approve', target: target.id, targetDigest: targetDigestOf(target) }, change);
  }
  function handIn(made: Act, signer: Signer, blobs: SignedAct['blobs'] = {}): Promise<string> {
    return dropAct(paths.inbox, signAct(made, signer, blobs));
  }
  function handInFile(name: string, content: string | Buffer): void {
    writeFileSync(join(paths.inbox, name), content);
  }
  return {
    made,
    writer,
    world,
    paths,
    opened,
    request,
    act,
    approval,
    handIn,
    handInFile,
    isApproved: () => trail.state.phases[phaseId]?.blocked.find(({ id }) => id === request.id)?.closed !== null,
    refusals: () => entries.entries.filter((entry): entry is EntryOf<'refusal'> & Entry => entry.kind === 'refusal'),
    acts: () => entries.entries.filter((entry): entry is EntryOf<'act'> & Entry => entry.kind === 'act'),
    inInbox: () => readdirSync(paths.inbox).sort(),
    reason: (nonce: string) => readFileSync(join(paths.inbox, `${nonce}.reason`), 'utf8').trim(),
    audit: () => audit({ hub: made.hub.dir, headsLog: paths.headsLog, root: made.hub.root }),
    /** Advances only the inbox's clock, by this much. */
    wait: (ms: number) => {
      later += ms;
    },
    entry: (id: EntryId) => entries.entry(id) as Entry,
  };
}

function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
