// Checks our signatures and key files against stock ssh-keygen and ssh-agent: each side reads what the other writes.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { agentSigner, generateKey, loadSigner } from '../../../state/keys/keys.ts';
import { formatAllowedSigners, parseAllowedSigners } from '../../../state/keys/signers.ts';
import { fingerprintOf, verifySignature } from '../../../state/keys/sshsig.ts';
import { tempDir } from '../../support/temp.ts';

const message = Buffer.from('the whole canonical act\n');

describe('signatures', () => {
  test('by our code are accepted by ssh-keygen -Y verify', () => {
    const dir = tempDir();
    const signer = generateKey(join(dir, 'key'), 'builder@coldpass');
    writeFileSync(join(dir, 'sig'), signer.sign('git', message));
    const allowed = [{ principal: 'builder@coldpass', namespaces: ['git'], publicKey: signer.publicKey }];
    writeFileSync(join(dir, 'allowed'), formatAllowedSigners(allowed));
    const output = keygen(
      ['-Y', 'verify', '-f', join(dir, 'allowed'), '-I', 'builder@coldpass', '-n', 'git', '-s', join(dir, 'sig')],
      message,
    );
    expect(output).toContain('Good "git" signature for builder@coldpass');
  });

  test.for(['sha512', 'sha256'])('by ssh-keygen -Y sign over %s are accepted by our code', (hash) => {
    const dir = tempDir();
    const signer = generateKey(join(dir, 'key'), 'x');
    const armored = keygen(
      ['-Y', 'sign', '-f', join(dir, 'key'), '-n', 'coldpass-act', '-O', `hashalg=${hash}`],
      message,
    );
    expect(verifySignature('coldpass-act', message, armored)).toEqual({
      publicKey: signer.publicKey,
      fingerprint: signer.fingerprint,
    });
  });

  test('by our code have the same bytes as those by ssh-keygen', () => {
    const dir = tempDir();
    const signer = generateKey(join(dir, 'key'), 'x');
    expect(signer.sign('git', message)).toBe(keygen(['-Y', 'sign', '-f', join(dir, 'key'), '-n', 'git'], message));
  });

  test('verify as null in another namespace, over other bytes, with a changed character or with trailing text', () => {
    const signer = generateKey(join(tempDir(), 'key'), 'x');
    const armored = signer.sign('git', message);
    expect(verifySignature('git', message, armored)).not.toBeNull();
    expect(verifySignature('coldpass-act', message, armored)).toBeNull();
    expect(verifySignature('git', Buffer.from('the whole canonical act'), armored)).toBeNull();
    expect(verifySignature('git', message, `${armored}more`)).toBeNull();
    expect(verifySignature('git', message, '')).toBeNull();
    const lines = armored.split('\n');
    for (let at = 0; at < lines.slice(1, -2).join('').length; at++) {
      const changed = withOtherCharacter(armored, at);
      expect(verifySignature('git', message, changed), `character ${at}`).toBeNull();
    }
  });

  test('by an RSA key verify as null', () => {
    const dir = tempDir();
    keygen(['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', join(dir, 'rsa')]);
    expect(
      verifySignature('git', message, keygen(['-Y', 'sign', '-f', join(dir, 'rsa'), '-n', 'git'], message)),
    ).toBeNull();
  });

  test('come from an ssh-agent for a key whose private half this process never reads', async () => {
    const dir = tempDir();
    keygen(['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'operator')]);
    const agentSocket = await startAgent(dir);
    execFileSync('ssh-add', ['-q', join(dir, 'operator')], {
      env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
      stdio: 'ignore',
    });
    execFileSync('rm', [join(dir, 'operator')]);
    const signer = agentSigner(join(dir, 'operator.pub'), { PATH: '/usr/bin:/bin', agentSocket });
    expect(verifySignature('coldpass-act', message, signer.sign('coldpass-act', message))?.fingerprint).toBe(
      signer.fingerprint,
    );
    const without = agentSigner(join(dir, 'operator.pub'), { PATH: '/usr/bin:/bin' });
    expect(() => without.sign('coldpass-act', message)).toThrow(/could not sign.*ssh-add -l/);
  });
});

describe('key files', () => {
  test('written by our code are read by ssh-keygen, with the same public half and fingerprint', () => {
    const dir = tempDir();
    const signer = generateKey(join(dir, 'key'), 'runner@coldpass');
    expect(keygen(['-y', '-f', join(dir, 'key')]).trim()).toBe(`${signer.publicKey} runner@coldpass`);
    expect(readFileSync(join(dir, 'key.pub'), 'utf8')).toBe(`${signer.publicKey} runner@coldpass\n`);
    expect(keygen(['-l', '-f', join(dir, 'key.pub')]).split(' ')[1]).toBe(signer.fingerprint);
    expect(statSync(join(dir, 'key')).mode & 0o777).toBe(0o600);
  });

  test('with a comment of any length are read by ssh-keygen', () => {
    const dir = tempDir();
    for (let length = 0; length < 9; length++) {
      const { publicKey } = generateKey(join(dir, `key${length}`), 'c'.repeat(length));
      expect(keygen(['-y', '-f', join(dir, `key${length}`)]).trim()).toBe(`${publicKey} ${'c'.repeat(length)}`.trim());
    }
  });

  test('written by ssh-keygen are read by our code', () => {
    const dir = tempDir();
    keygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'a comment', '-f', join(dir, 'key')]);
    const signer = loadSigner(join(dir, 'key'));
    expect(`${signer.publicKey} a comment\n`).toBe(readFileSync(join(dir, 'key.pub'), 'utf8'));
    expect(fingerprintOf(readFileSync(join(dir, 'key.pub'), 'utf8'))).toBe(signer.fingerprint);
    expect(verifySignature('git', message, signer.sign('git', message))?.publicKey).toBe(signer.publicKey);
  });

  test('are never overwritten', () => {
    const path = join(tempDir(), 'key');
    const before = generateKey(path, 'x').fingerprint;
    expect(() => generateKey(path, 'x')).toThrow(/cannot be written/);
    expect(loadSigner(path).fingerprint).toBe(before);
  });

  test('are refused with a clear message for each fault', () => {
    const dir = tempDir();
    const at = (name: string) => join(dir, name);
    keygen(['-q', '-t', 'ed25519', '-N', 'secret', '-f', at('locked')]);
    keygen(['-q', '-t', 'ecdsa', '-N', '', '-f', at('ecdsa')]);
    generateKey(at('open'), 'x');
    chmodSync(at('open'), 0o644);
    generateKey(at('cut'), 'x');
    writeFileSync(at('cut'), readFileSync(at('cut'), 'utf8').replace(/\n.{70}\n/, '\n'));
    writeFileSync(at('text'), 'hello', { mode: 0o600 });
    execFileSync('mkfifo', ['-m', '600', at('fifo')]);
    expect(() => loadSigner(at('locked'))).toThrow(/protected by a passphrase; add it with ssh-add/);
    expect(() => loadSigner(at('ecdsa'))).toThrow(/not an ssh-ed25519 key/);
    expect(() => loadSigner(at('open'))).toThrow(/chmod 600/);
    expect(() => loadSigner(at('cut'))).toThrow(/damaged/);
    expect(() => loadSigner(at('text'))).toThrow(/not an OpenSSH private key/);
    expect(() => loadSigner(at('fifo'))).toThrow(/not a key file/);
    expect(() => loadSigner(at('missing'))).toThrow(/cannot be read/);
    expect(() => agentSigner(at('ecdsa.pub'), { PATH: '/usr/bin' })).toThrow(/not an ssh-ed25519 public key/);
  });
});

describe('allowed signers', () => {
  test('are read back as written, without comments and empty lines', () => {
    const { publicKey } = generateKey(join(tempDir(), 'key'), 'x');
    const signers = [
      { principal: 'operator@coldpass', namespaces: ['git', 'coldpass-act'], publicKey },
      { principal: 'builder@coldpass', namespaces: ['git'], publicKey },
    ];
    expect(parseAllowedSigners(formatAllowedSigners(signers))).toEqual(signers);
    expect(
      parseAllowedSigners(`# by hand\n\n${formatAllowedSigners(signers).replaceAll('\n', ' a comment\n')}`),
    ).toEqual(signers);
  });

  test.for([
    'builder@coldpass ssh-ed25519 AAAA',
    'builder@coldpass cert-authority namespaces="git" ssh-ed25519 AAAA',
    'builder@coldpass namespaces="git" ssh-rsa AAAA',
    'builder@coldpass namespaces="git" ssh-ed25519 AAAA',
  ])('the line «%s» is refused with its number', (line) => {
    expect(() => parseAllowedSigners(`\n${line}\n`)).toThrow(/line 2/);
  });
});

function keygen(args: string[], input?: Uint8Array): string {
  return execFileSync('ssh-keygen', args, { input: input ?? '', encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

/** `armored` with the `at`-th character of its base64 replaced. */
function withOtherCharacter(armored: string, at: number): string {
  const [begin = '', ...rest] = armored.trimEnd().split('\n');
  const end = rest.pop() ?? '';
  const base64 = rest.join('');
  const other = base64[at] === 'A' ? 'B' : 'A';
  return `${begin}\n${base64.slice(0, at)}${other}${base64.slice(at + 1)}\n${end}\n`;
}

async function startAgent(dir: string): Promise<string> {
  const agentSocket = join(dir, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(async () => {
    agent.kill();
    await once(agent, 'close');
  });
  await once(agent.stdout, 'data');
  return agentSocket;
}
