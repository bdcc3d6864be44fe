// A small hub with a trail, keys for every role, and options for a funnel whose state is the list of appended entries.
// Does not use vitest, since programs that tests start use this file too.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { actNamespace } from '../../../state/entry/act.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Entry, Intent, IntentOf } from '../../../state/entry/entry.ts';
import { type EntryId, type GateId, type PhaseId, Role, type SessionId, type Sha } from '../../../state/entry/ids.ts';
import { signedCommit } from '../../../state/git/commits.ts';
import { objectStore } from '../../../state/git/objects.ts';
import { gitObject, withFiles } from '../../../state/git/trees.ts';
import { generateKey, loadSigner } from '../../../state/keys/keys.ts';
import { formatAllowedSigners, gitNamespace, principalOf } from '../../../state/keys/signers.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import type { FunnelOptions } from '../../../state/trail/funnel.ts';

export type TestTrail = {
  stateDir: string;
  hub: string;
  heads: string;
  signers: Record<Role, Signer>;
  genesis: Sha;
};

/** State of the test funnel: the entries, oldest first. */
export type Appended = readonly Entry[];

export const phase = 'mailu' as PhaseId;
export const session = 's-0123456789ab' as SessionId;

/** In `stateDir`, makes a hub whose trail has only its first commit, signed by the operator. */
export async function makeTrail(stateDir: string): Promise<TestTrail> {
  const hub = join(stateDir, 'hub.git');
  mkdirSync(join(stateDir, 'keys'), { recursive: true });
  git(stateDir, ['init', '--quiet', '--bare', '--initial-branch=main', hub]);
  const signers = Object.fromEntries(
    Role.options.map((role) => [role, generateKey(keyFile(stateDir, role), principalOf(role))]),
  );
  const trail = { ...trailAt(stateDir), genesis: await writeGenesis(hub, signers as Record<Role, Signer>) };
  git(hub, ['update-ref', 'refs/heads/trail', trail.genesis]);
  return trail;
}

/** The trail that `makeTrail` made in `stateDir`, for use by another process. */
export function trailAt(stateDir: string): Omit<TestTrail, 'genesis'> {
  const signers = Object.fromEntries(Role.options.map((role) => [role, loadSigner(keyFile(stateDir, role))]));
  return {
    stateDir,
    hub: join(stateDir, 'hub.git'),
    heads: join(stateDir, 'heads.log'),
    signers: signers as Record<Role, Signer>,
  };
}

/** Options for a funnel that refuses titles with the word «forbidden» and titles that occurred before. */
export function listing(trail: Pick<TestTrail, 'hub' | 'stateDir' | 'signers'>): FunnelOptions<Appended> {
  return {
    hub: trail.hub,
    stateDir: trail.stateDir,
    signers: trail.signers,
    empty: [],
    apply: (entries, entry) => [...entries, entry],
    admit: (entries, entry) => refusal(entries, entry),
    now: () => new Date('2026-06-11T20:58:03.500Z'),
  };
}

/** A note by the Builder or the Adversary. */
export function note(title: string, role: Role = 'builder', body = 'Seen with my own eyes.'): IntentOf<'note'> {
  return { kind: 'note', role, phase, facts: { session, title }, body };
}

/** A finding by the Adversary whose reproducer is `bytes`. */
export function finding(title: string, bytes: Uint8Array): Intent {
  const file = digestOf(bytes);
  const reproducer = { path: 'tests/again.sh', file, command: 'sh tests/again.sh' };
  const facts = { session, gate: 'M1' as GateId, claim: null, title, fix: ['it is green'], reproducer };
  return { kind: 'finding', role: 'adversary', phase, facts, body: '', blobs: [{ path: `blobs/${file}`, bytes }] };
}

/** Closes entry `target`, as the Adversary or the Builder. */
export function close(target: number, role: Role = 'adversary'): Intent {
  return {
    kind: 'close',
    role,
    phase,
    facts: { session, target: target as EntryId, as: 'retracted', answers: [] },
    body: '',
  };
}

/** Ends a session, as the supervisor. */
export function sessionEnd(why: string): Intent {
  const tokens = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
  const facts = {
    event: 'ended' as const,
    session,
    for: 'builder' as const,
    end: 'finished' as const,
    why,
    turns: 1,
    tokens,
    usd: 0.25,
  };
  return {
    kind: 'session',
    role: 'supervisor',
    phase,
    facts: { ...facts, transcript: null, published: null },
    body: '',
  };
}

export function titleOf(entry: Entry): string {
  return 'title' in entry.facts ? entry.facts.title : '';
}

/** Runs stock git in a repository and returns its output, trimmed; throws if git fails. */
export function git(dir: string, args: string[]): string {
  return execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function refusal(entries: Appended, entry: Entry): string | null {
  const title = titleOf(entry);
  if (title.includes('forbidden')) return 'that word is not for here; use another';
  return title !== '' && entries.some((other) => titleOf(other) === title) ? `«${title}» is there already` : null;
}

async function writeGenesis(hub: string, signers: Record<Role, Signer>): Promise<Sha> {
  const lines = Role.options.map((role) => ({
    principal: principalOf(role),
    namespaces: role === 'operator' ? [gitNamespace, actNamespace] : [gitNamespace],
    publicKey: signers[role].publicKey,
  }));
  const blob = gitObject('blob', Buffer.from(formatAllowedSigners(lines)));
  const files = new Map([['machine-docs/allowed_signers', blob.sha]]);
  const trees = await withFiles(new Map(), files, () => Promise.reject(new Error('there is nothing to load')));
  const facts = {
    tree: trees.sha,
    parent: null,
    role: 'operator',
    atMs: Date.parse('2026-06-11T20:00:00Z'),
    subject: 'operator: trail',
  };
  const commit = signedCommit(facts, signers.operator);
  const store = objectStore(hub);
  await store.write([blob, ...trees.objects, commit]);
  store.close();
  return commit.sha;
}

function keyFile(stateDir: string, role: Role): string {
  return join(stateDir, 'keys', role);
}
