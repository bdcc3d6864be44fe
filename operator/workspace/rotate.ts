// `coldpass rotate ROLE`: a new key for a role. The key is created here, in the state's keys folder (your own beside
// your old one), and counts once the act that names it is on the trail. Signatures by the old key stay valid.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SignedAct } from '../../state/entry/act.ts';
import { Role, Sha } from '../../state/entry/ids.ts';
import { branchHead } from '../../state/git/git.ts';
import { keyBeside } from '../../state/keys/keys.ts';
import {
  type AllowedSigner,
  currentKey,
  currentSigners,
  principalOf,
  rotationFault,
} from '../../state/keys/signers.ts';
import { fingerprintOf } from '../../state/keys/sshsig.ts';
import { openHub, signersAt } from '../../state/trail/hub.ts';
import { type StatePaths, type Workspace, writeWorkspace } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import { UsageError } from '../terminal/errors.ts';
import { openOperatorKey } from './key.ts';
import type { Here } from './place.ts';
import { answerTo, type Signing, signed } from './sign.ts';

export type RotateOptions = Signing & {
  place: Here;
  dir: string;
  /** Only for the role `operator`: an existing key, in the form that `init` accepts. */
  key?: string;
  because?: string;
};

/**
 * Creates the new key and returns the signed act. Throws UsageError for an unknown role, or a key that the role cannot
 * have.
 */
export async function rotateAct(name: string, options: RotateOptions): Promise<SignedAct> {
  const { place, dir, key, because, ...signing } = options;
  const role = roleNamed(name);
  if (key !== undefined && role !== 'operator')
    throw new UsageError(`rotate: --key is only for your own key (coldpass rotate operator), not for the ${role}'s`);
  const signers = await signersNow(place.paths);
  if (role === 'operator' && place.workspace.operator.next)
    throw new UsageError('rotate: another new key of yours already waits for a supervisor; type: coldpass run');
  const old = role === 'operator' ? place.workspace.operator.publicKey : currentKey(signers, role);
  if (old === null) throw new UsageError(`rotate: the trail has no key for the ${role}`);
  const next = role === 'operator' ? ownKey(place, key, dir, signing.env) : null;
  const publicKey = next?.publicKey ?? keyBeside(join(place.paths.keys, role), principalOf(role)).signer.publicKey;
  const payload = { act: 'rotate', role, old: fingerprintOf(old), publicKey, ...(because && { because }) } as const;
  const fault = rotationFault(signers, payload);
  if (fault !== null) throw new UsageError(`rotate: ${fault}`);
  const act = signed(place, payload, signing);
  if (next) noteNext(place, { ...next, nonce: act.act.nonce });
  return act;
}

/** Settles a rotation of your key: adopts the next key once it is on the trail, forgets it once it is refused. */
export async function settledWorkspace(workspace: Workspace, paths: StatePaths): Promise<Workspace> {
  const { next, ...old } = workspace.operator;
  if (!next) return workspace;
  const { publicKey, key, nonce } = next;
  const isTaken = currentSigners(await signersNow(paths)).some((one) => one.publicKey === publicKey);
  if (!isTaken && answerTo(paths.inbox, nonce).kind !== 'refused') return workspace;
  const settled = { ...workspace, operator: isTaken ? { publicKey, key } : old };
  writeWorkspace(paths.stateDir, settled);
  return settled;
}

/** The signers at the head of the trail. */
export async function signersNow({ hub }: Pick<StatePaths, 'hub'>): Promise<AllowedSigner[]> {
  const { dir } = await openHub(hub);
  return signersAt(dir, Sha.parse(await branchHead(dir, 'trail')));
}

type Next = NonNullable<Workspace['operator']['next']>;

function noteNext({ workspace, paths }: Here, next: Next): void {
  writeWorkspace(paths.stateDir, { ...workspace, operator: { ...workspace.operator, next } });
}

function roleNamed(name: string): Role {
  const role = Role.safeParse(name);
  if (role.success) return role.data;
  throw new UsageError(`rotate: there is no role ${name}; the roles are: ${Role.options.join(', ')}`);
}

/** The key that you named, or a new one beside your old one. */
function ownKey({ workspace }: Here, key: string | undefined, dir: string, env: Env): Omit<Next, 'nonce'> {
  const { key: old } = workspace.operator;
  if (key === undefined && old.in === 'agent')
    throw new UsageError('rotate: your key is in an ssh-agent; name the .pub file of the new key with --key');
  const path = key === undefined ? keyBeside(old.path, principalOf('operator')).path : resolve(dir, key);
  if (!existsSync(path)) throw new UsageError(`rotate: there is no key file ${path}`);
  const place = { in: path.endsWith('.pub') ? ('agent' as const) : ('file' as const), path };
  return { publicKey: openOperatorKey(place, env).publicKey, key: place };
}
