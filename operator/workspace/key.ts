// The operator's key: his own, outside the state, opened in his own process and only to sign. `init` makes one in his
// configuration folder, or notes where an existing one is.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { agentSigner, generateKey, loadSigner } from '../../state/keys/keys.ts';
import type { Signer } from '../../state/keys/sshsig.ts';
import type { KeyPlace } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import { UsageError } from '../terminal/errors.ts';

/** `$XDG_CONFIG_HOME/coldpass/operator_ed25519`, by default under `~/.config`. */
export function operatorKeyFile(env: Env, home: string): string {
  const given = env.XDG_CONFIG_HOME;
  return join(given && isAbsolute(given) ? given : join(home, '.config'), 'coldpass', 'operator_ed25519');
}

/** Opens the operator's key. TrailError 'bad-key' says what is wrong with it and what to do. */
export function openOperatorKey(place: KeyPlace, env: Env): Signer {
  if (place.in === 'file') return loadSigner(place.path);
  const agentSocket = env.SSH_AUTH_SOCK;
  return agentSigner(place.path, {
    PATH: env.PATH ?? '/usr/bin:/bin',
    ...(agentSocket !== undefined && { agentSocket }),
  });
}

export type KeyChoice = { place: KeyPlace; made: boolean };

/** The key that the person named (`key`: a private key file, or a `.pub` whose other half an agent holds), or his own. */
export function chooseOperatorKey(options: { key?: string; dir: string; env: Env; home: string }): KeyChoice {
  if (options.key === undefined) {
    const path = operatorKeyFile(options.env, options.home);
    const made = !existsSync(path);
    if (made) makeKey(path);
    return { place: { in: 'file', path }, made };
  }
  const path = resolve(options.dir, options.key);
  const what = 'an ed25519 private key, or the .pub file of one that your ssh-agent holds';
  if (!existsSync(path)) throw new UsageError(`there is no key file ${path}; name ${what}`);
  return { place: { in: path.endsWith('.pub') ? 'agent' : 'file', path }, made: false };
}

function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  generateKey(path, 'operator@coldpass');
}
