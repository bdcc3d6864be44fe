// The operator's key. It is yours: kept outside the state, opened in your own process and only to sign. `init` creates
// one in your configuration folder, or records where an existing one is.

import { existsSync, mkdirSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { agentSigner, generateKey, loadSigner } from '../../state/keys/keys.ts';
import type { Signer } from '../../state/keys/sshsig.ts';
import type { KeyPlace } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import { UsageError } from '../terminal/errors.ts';

/** `$XDG_CONFIG_HOME/coldpass/operator_ed25519`, by default under `~/.config`. */
export function operatorKeyFile(env: Env, home: string): string {
  const configHome = env.XDG_CONFIG_HOME;
  const folder = configHome && isAbsolute(configHome) ? configHome : join(home, '.config');
  return join(folder, 'coldpass', 'operator_ed25519');
}

/** Opens the operator's key. Throws TrailError 'bad-key', which says what is wrong with the key and what to do. */
export function openOperatorKey(place: KeyPlace, env: Env): Signer {
  if (place.in === 'file') return loadSigner(place.path);
  const agentSocket = env.SSH_AUTH_SOCK;
  return agentSigner(place.path, {
    PATH: env.PATH ?? '/usr/bin:/bin',
    ...(agentSocket !== undefined && { agentSocket }),
  });
}

export type KeyChoice = { place: KeyPlace; made: boolean };

/**
 * Chooses the key that you named (a private key file, or the `.pub` file of a key in your ssh-agent), else the default.
 */
export function chooseOperatorKey(options: { key?: string; dir: string; env: Env; home: string }): KeyChoice {
  if (options.key === undefined) {
    const path = operatorKeyFile(options.env, options.home);
    const made = !existsSync(path);
    if (made) makeKey(path);
    return { place: { in: 'file', path }, made };
  }
  const path = resolve(options.dir, options.key);
  const what = 'an ed25519 private key, or the .pub file of a key in your ssh-agent';
  if (!existsSync(path)) throw new UsageError(`there is no key file ${path}; name ${what}`);
  return { place: { in: path.endsWith('.pub') ? 'agent' : 'file', path }, made: false };
}

function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  generateKey(path, 'operator@coldpass');
}
