// Writes pages into the volume (by exec, as an upload would), and seeds the data for the backup.

import { createHash } from 'node:crypto';
import type { App } from 'coldpass/app';

/** Contains every possible byte, so that anything that treats the file as text would damage it. */
export const allBytes = Uint8Array.from({ length: 1024 }, (_, index) => (index * 7 + (index >> 8)) % 256);

export async function publish(app: App, path: string, page: string | Uint8Array): Promise<void> {
  const command = ['sh', '-c', 'mkdir -p "$(dirname "$1")" && cat >"$1"', 'sh', `/srv/content/${path}`];
  await app.output('app', command, { stdin: page });
}

export async function drop(app: App, path: string): Promise<void> {
  await app.output('app', ['rm', '-rf', `/srv/content/${path}`]);
}

/** Publishes a page with this run's id, in a folder, and a file of all bytes. */
export async function seed(app: App): Promise<void> {
  const page = `<h1>Seeded for ${app.run}</h1>\n<p>żółw, 亀, \u{1f422}</p>\n`;
  await publish(app, 'seeded/deep/index.html', page);
  await publish(app, 'seeded/all.bin', allBytes);
  await app.setMark('seeded page', page);
}

/** The digest of a file in the volume, computed in the service. */
export async function digestIn(app: App, path: string): Promise<string> {
  const line = await app.output('app', ['sha256sum', `/srv/content/${path}`]);
  return line.split(' ')[0] as string;
}

export function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
