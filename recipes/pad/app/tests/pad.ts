// Pads without a browser: they are sealed and opened with the script that the app serves to browsers.

import type { App } from 'coldpass/app';

export type Pad = { name: string; key: string };
type Cipher = {
  seal(text: string, key: Uint8Array): Uint8Array;
  open(sealed: Uint8Array, key: Uint8Array): string;
  chacha20(key: Uint8Array, nonce: Uint8Array, counter: number, bytes: Uint8Array): Uint8Array;
};

/** The app's cipher, from the script that the app serves now. */
export async function cipherOf(app: App): Promise<Cipher> {
  const { status, body } = await app.http('http://app/cipher.js');
  if (status !== 200) throw new Error(`the app serves no cipher: ${status}`);
  return import(`data:text/javascript;base64,${Buffer.from(body).toString('base64')}`);
}

/** A pad with the same name and key in every hook and test of a run. */
export async function padOf(app: App, name: string): Promise<Pad> {
  const known = await app.mark(`pad-${name}`);
  if (known !== null) return JSON.parse(known);
  const pad = { name: hex(8), key: hex(32) };
  await app.setMark(`pad-${name}`, JSON.stringify(pad));
  return pad;
}

export function newPad(): Pad {
  return { name: hex(8), key: hex(32) };
}

/**
 * The pad's address for browsers. It has the service's name on the run's network, because browsers change `http://app/`
 * to https, as they do for every name in `.app`.
 */
export function addressOf(app: App, { name, key }: Pad): string {
  return `http://${app.stack}_app/#${name}.${key}`;
}

/** Writes a pad, over any earlier text. */
export async function write(app: App, { name, key }: Pad, text: string): Promise<void> {
  const { seal } = await cipherOf(app);
  const revision = (await app.http(`http://app/api/pads/${name}`)).headers['x-revision'] ?? '0';
  const { status } = await send(app, name, revision, seal(text, Buffer.from(key, 'hex')));
  if (status !== 201) throw new Error(`the pad was refused: ${status}`);
}

export function send(app: App, name: string, revision: string, body: string | Uint8Array) {
  return app.http(`http://app/api/pads/${name}`, { method: 'PUT', headers: { 'x-revision': revision }, body });
}

/** Reads a pad from the volume; null if it does not exist. */
export async function read(app: App, { name, key }: Pad): Promise<string | null> {
  const script = `cd /pads/${name} 2>/dev/null && base64 "$(cat newest)" || echo none`;
  const stored = (await app.output('app', script)).trim();
  if (stored === 'none') return null;
  const { open } = await cipherOf(app);
  return open(new Uint8Array(Buffer.from(stored, 'base64')), new Uint8Array(Buffer.from(key, 'hex')));
}

function hex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}
