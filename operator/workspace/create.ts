// Founds a workspace's state: a key for each role, and the hub whose first commit you sign. Existing parts are kept and
// checked, so an interrupted `init` can be rerun.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TrailError } from '../../state/entry/errors.ts';
import { generateKey, loadSigner } from '../../state/keys/keys.ts';
import { currentSigners, roleName } from '../../state/keys/signers.ts';
import { createHub, type Hub, openHub } from '../../state/trail/hub.ts';
import type { KeyPlace, StatePaths } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import { openOperatorKey } from './key.ts';
import { signersNow } from './rotate.ts';

export const stateRoles = ['supervisor', 'runner', 'builder', 'adversary'] as const;
export type StateRole = (typeof stateRoles)[number];

export type NewWorkspace = {
  paths: StatePaths;
  name: string;
  repo: string;
  base: string;
  keyPlace: KeyPlace;
  env: Env;
  now: Date;
};

/** Creates the keys and the hub if missing. Throws TrailError if the existing parts do not belong together. */
export async function createWorkspace(options: NewWorkspace): Promise<{ root: string; publicKey: string }> {
  const { paths, name, repo, base, now } = options;
  const operator = openOperatorKey(options.keyPlace, options.env);
  const keys = roleKeys(paths);
  const hub = existsSync(paths.hub)
    ? await openHub(paths.hub)
    : await createHub({
        stateDir: paths.stateDir,
        workspaceName: name,
        operatorSigner: operator,
        roleSigners: keys,
        repo,
        baseRef: base,
        now,
      });
  const operators = currentSigners(await signersNow(paths)).filter((one) => roleName(one) === 'operator');
  if (!operators.some(({ publicKey }) => publicKey === operator.publicKey)) {
    throw new TrailError(
      'bad-key',
      `${paths.hub} was founded with the key ${hub.root}, not with ${operator.fingerprint}; pass the right one with --key`,
    );
  }
  strangers(hub, keys, paths.keys);
  return { root: hub.root, publicKey: operator.publicKey };
}

function roleKeys(paths: StatePaths): Record<StateRole, string> {
  return perRole((role) => {
    const path = join(paths.keys, role);
    return (existsSync(path) ? loadSigner(path) : generateKey(path, `${role}@coldpass`)).publicKey;
  });
}

function strangers(hub: Hub, keys: Record<StateRole, string>, dir: string): void {
  const strange = stateRoles.find(
    (role) =>
      !hub.signers.some(({ principal, publicKey }) => principal === `${role}@coldpass` && publicKey === keys[role]),
  );
  if (strange)
    throw new TrailError(
      'bad-key',
      `${join(dir, strange)} is not the ${strange}'s key in the hub; restore it from a backup`,
    );
}

function perRole<T>(make: (role: StateRole) => T): Record<StateRole, T> {
  return Object.fromEntries(stateRoles.map((role) => [role, make(role)])) as Record<StateRole, T>;
}
