// A hub with an open phase on its trail, for attacks on the trail itself. Somebody who can reach the hub pushes with
// git, and the hub's hook judges the push; or a role appends through the funnel. The cases of a family share one hub
// for pushes and one for appends: a refused push leaves the hub as it was, and an accepted one is undone.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../../../state/audit/audit.ts';
import type { Act, ActPayload } from '../../../state/entry/act.ts';
import type { Entry, Intent, Kind } from '../../../state/entry/entry.ts';
import { Refused } from '../../../state/entry/errors.ts';
import { renderEntry } from '../../../state/entry/framing.ts';
import type { AgentRole, EntryId, Role, SessionId, Sha } from '../../../state/entry/ids.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { objectStore } from '../../../state/git/objects.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { signAct } from '../../../state/trail/acts.ts';
import { addCommits, type Files, git, gitBytes, makeHub } from '../../support/repo.ts';
import { type Made, openPhase, openWriter, phaseId, type Writer } from '../../support/trail/writer.ts';
import type { Outcome, Refusal, Rule } from '../case.ts';
import { shared } from './shared.ts';

export const STATUS = `machine-docs/STATUS-${phaseId}.md`;
export const REVIEW = `machine-docs/REVIEW-${phaseId}.md`;
export const JOURNAL = `machine-docs/JOURNAL-${phaseId}.md`;
const at = '2026-06-11T21:10:00Z';

export type HubArena = {
  made: Made;
  writer: Writer;
  sessions: Record<AgentRole, SessionId>;
  /** The repository that pushes come from; it has everything that the hub has. */
  pusher: string;
  head: Sha;
  base: Sha;
  nextId: number;
  audits: Map<string, Promise<Outcome['audit']>>;
};

/** The hub of the family with this name, made on first use. */
function hubIn(dir: string, name: string): Promise<HubArena> {
  return shared(dir, name, make, ({ writer }) => writer.trail.close());
}

async function make(dir: string): Promise<HubArena> {
  mkdirSync(dir);
  const made = await makeHub([{ 'a.txt': 'one\n', 'tests/old.test.js': '// old\n' }], dir);
  const writer = await openWriter(made);
  await openPhase(writer);
  const builder = await writer.wake('builder', { kind: 'work' });
  const adversary = await writer.wake('adversary', { kind: 'work' });
  await writer.append({
    kind: 'note',
    role: 'builder',
    phase: phaseId,
    facts: { session: builder, title: 'one' },
    body: '',
  });
  await writer.append({
    kind: 'note',
    role: 'adversary',
    phase: phaseId,
    facts: { session: adversary, title: 'two' },
    body: '',
  });
  const pusher = join(dir, 'pusher');
  mkdirSync(pusher);
  git(pusher, ['init', '-q']);
  git(pusher, ['fetch', '-q', made.hub.dir, '+refs/heads/*:refs/hub/*']);
  const head = git(pusher, ['rev-parse', 'refs/hub/trail']) as Sha;
  const { nextId } = writer.trail;
  return { made, writer, sessions: { builder, adversary }, pusher, head, base: made.base, nextId, audits: new Map() };
}

/** Pushes the commit that `make` returns with real git; returns why the hook refused it, and an audit of the hub. */
export async function pushed(
  dir: string,
  make: (arena: HubArena) => Promise<string> | string,
  ref = 'refs/heads/trail',
): Promise<Outcome> {
  const arena = await hubIn(dir, 'pushes');
  const message = push(arena, `+${await make(arena)}:${ref}`);
  const report = await auditOf(arena);
  if (message === null) takeBack(arena, ref);
  return { accepted: message === null, refusals: message === null ? [] : rulesIn(message), audit: report };
}

/**
 * Moves the trail back, as an attacker with access to the hub's disk could; returns what an audit with `heads.log`
 * finds.
 */
export async function rewound(dir: string, commits: number): Promise<Outcome> {
  const arena = await hubIn(dir, 'pushes');
  git(arena.made.hub.dir, ['update-ref', 'refs/heads/trail', `${arena.head}~${commits}`]);
  const { ok, problems } = await auditOf(arena);
  takeBack(arena, 'refs/heads/trail');
  const refusals = problems.map(({ what }): Refusal => ({ by: 'audit', why: what }));
  return { accepted: ok, refusals, audit: await auditOf(arena) };
}

/** Appends the entry that `make` returns through the funnel. */
export async function said(dir: string, make: (arena: HubArena) => Intent, by: Rule = 'funnel'): Promise<Outcome> {
  const arena = await hubIn(dir, 'words');
  const why = await arena.writer.append(make(arena)).then(
    () => null,
    (error: unknown) => {
      if (error instanceof Refused) return error.message;
      throw error;
    },
  );
  const refusals: Refusal[] = why === null ? [] : [{ by, why }];
  return { accepted: why === null, refusals, audit: await auditOf(arena) };
}

/** Audits the hub. Repeats no audit for the same state of its refs, since most attacks leave them as they were. */
function auditOf({ made, audits }: HubArena): Promise<Outcome['audit']> {
  const refs = git(made.hub.dir, ['for-each-ref']);
  const report =
    audits.get(refs) ?? audit({ hub: made.hub.dir, root: made.hub.root, headsLog: join(made.stateDir, 'heads.log') });
  audits.set(refs, report);
  return report;
}

/** Makes a commit on the trail that changes these files, signed by a role's key, by another key, or not at all. */
export async function commit(
  { pusher, made, head }: HubArena,
  files: Files,
  by: Role | Signer | null,
  parents: Sha[] = [head],
): Promise<Sha> {
  const parent = parents[0] as Sha;
  addCommits(pusher, 'refs/scratch', [files], parent);
  const tree = git(pusher, ['rev-parse', 'refs/scratch^{tree}']) as Sha;
  if (by === null) return git(pusher, ['commit-tree', '-p', parent, '-m', 'unsigned', tree]) as Sha;
  const signer = typeof by === 'string' ? made.signers[by] : by;
  // The line of the first parent is followed by those of the other parents, so that the signature covers them all.
  const lines = parents.slice(1).map((sha) => `\nparent ${sha}`);
  const facts = {
    tree,
    parent: `${parent}${lines.join('')}` as Sha,
    role: 'builder',
    atMs: Date.parse(at),
    subject: 'pushed',
  };
  const object = signedCommit(facts, signer);
  const store = objectStore(join(pusher, '.git'));
  await store.write([object]);
  store.close();
  return object.sha;
}

/** The text of a file of the trail before the attack. */
export function old({ pusher, head }: HubArena, path: string): string {
  return gitBytes(pusher, ['cat-file', 'blob', `${head}:${path}`]).toString();
}

/** The text of a file of the trail with these entries added at the end; a missing file counts as empty. */
export function grown(arena: HubArena, path: string, ...entries: Entry[]): string {
  const isThere = git(arena.pusher, ['ls-tree', '--name-only', arena.head, path]) !== '';
  return (isThere ? old(arena, path) : '') + entries.map(renderEntry).join('');
}

export function note({ sessions, nextId }: HubArena, id = nextId): Entry {
  return entryOf('note', 'builder', id, { session: sessions.builder, title: `note ${id}` });
}

export function entryOf(kind: Kind, role: Role, id: number, facts: object, body = ''): Entry {
  return { id: id as EntryId, at, kind, role, phase: phaseId, facts, body } as unknown as Entry;
}

/** An entry with an act signed by `signer`; `words`, if given, replace the text after signing. */
export function actEntry({ made, nextId }: HubArena, signer: Signer, words?: string): Entry {
  const payload = { act: 'note', phase: phaseId, text: 'well done' } as ActPayload;
  const act = {
    v: 1,
    workspace: 'sample',
    root: made.hub.root,
    nonce: 'a'.repeat(32),
    at,
    expires: '2026-06-12T21:00:00Z',
    payload,
  } as Act;
  const { signature } = signAct(act, signer);
  const entryAct = words === undefined ? act : { ...act, payload: { ...payload, text: words } };
  return entryOf('act', 'operator', nextId, { act: entryAct, signature });
}

/** Commits files on the phase's base, in the repository that pushes come from. */
export function work({ pusher, base }: HubArena, files: Files): Sha {
  return addCommits(pusher, 'refs/heads/work', [files], base).at(-1) as Sha;
}

/** Pushes with git; returns git's message if the push was refused, null if it was accepted. */
export function push({ pusher, made }: Pick<HubArena, 'pusher' | 'made'>, refspec: string): string | null {
  try {
    git(pusher, ['push', '-q', made.hub.dir, refspec]);
    return null;
  } catch (error) {
    return (error as { stderr: Buffer }).stderr.toString().replaceAll(/^remote: /gm, '');
  }
}

function takeBack({ made, head, base }: HubArena, ref: string): void {
  if (ref === 'refs/heads/trail') git(made.hub.dir, ['update-ref', ref, head]);
  else if (ref === `refs/heads/phase/${phaseId}`) git(made.hub.dir, ['update-ref', ref, base]);
  else git(made.hub.dir, ['update-ref', '-d', ref]);
}

/**
 * Parses lines such as `coldpass refuses: refs/heads/trail: prefix: <commit> #n: what`; on other refs the rule is
 * `branch`.
 */
export function rulesIn(text: string): Refusal[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const ours = lines.flatMap((line): Refusal[] => {
    const [, ref, reason] = /^coldpass refuses: (\S+): (.*)$/.exec(line.trim()) ?? [];
    if (reason === undefined) return [];
    const [, rule] = ref === 'refs/heads/trail' ? (/^(\w+): [0-9a-f]{12}/.exec(reason) ?? []) : [];
    return [{ by: `hook: ${rule ?? 'branch'}`, why: reason }];
  });
  return ours.length > 0 ? ours : [{ by: 'hook: git', why: lines.join(' ') }];
}
