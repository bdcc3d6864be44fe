// How the suite puts pages into the volume (by exec, as an upload would), and what it seeds for the backup.

import { createHash } from 'node:crypto';
import type { App } from 'coldpass/app';

/** Every byte that there is, so that nothing on the way may read it as text. */
export const allBytes = Uint8Array.from({ length: 1024 }, (_, index) => (index * 7 + (index >> 8)) % 256);

export async function publish(app: App, path: string, page: string | Uint8Array): Promise<void> {
  const command = ['sh', '-c', 'mkdir -p "$(dirname "$1")" && cat >"$1"', 'sh', `/srv/content/${path}`];
  await app.output('app', command, { stdin: page });
}

export async function drop(app: App, path: string): Promise<void> {
  await app.output('app', ['rm', '-rf', `/srv/content/${path}`]);
}

/** A page in a folder whose text is this run's own, and a file of all bytes. */
export async function seed(app: App): Promise<void> {
  const page = `<h1>Seeded for ${app.run}</h1>\n<p>żółw, 亀, \u{1f422}</p>\n`;
  await publish(app, 'seeded/deep/index.html', page);
  await publish(app, 'seeded/all.bin', allBytes);
  await app.setMark('seeded page', page);
}

/** Of a file in the volume, as the service's own tools see it. */
export async function digestIn(app: App, path: string): Promise<string> {
  const line = await app.output('app', ['sha256sum', `/srv/content/${path}`]);
  return line.split(' ')[0] as string;
}

export function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
