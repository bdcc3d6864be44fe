// What a run looked like, as files beside its record, for people: pages when their tests were over; after a red rung, before
// anything is taken down, the services.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RungEnd } from '../../run/engine.ts';
import type { Stack } from '../app/app.ts';

const fileCharsMax = 1024 * 1024;

/** True where a rung failed, whether a test says so or the rung itself. */
export function isRed({ tests, failed }: RungEnd): boolean {
  return failed !== null || tests.some(({ status }) => status === 'fail');
}

/** Lays the pictures of a rung's pages. Gives them by their names there. Never rejects: evidence is no part of the verdict. */
export async function keepPictures(
  dir: string,
  rung: string,
  pictures: readonly Buffer[],
): Promise<Map<string, Buffer>> {
  const named = new Map(pictures.map((bytes, at) => [`${rung}-page-${at + 1}.png`, bytes] as const));
  try {
    if (named.size > 0) await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const [name, bytes] of named) await writeFile(join(dir, name), bytes);
  } catch {
    // The disk may be full; they are searched for secrets all the same.
  }
  return named;
}

/** Writes what there is to see. Values of the run's secrets are taken out. Never rejects: evidence is no part of the verdict. */
export async function keepEvidence(dir: string, stack: Stack, secrets: ReadonlyMap<string, string>): Promise<void> {
  try {
    const files = await stack.evidence();
    await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) {
      const hidden = [...secrets].reduce((all, [key, value]) => all.replaceAll(value, `<secret ${key}>`), text);
      await writeFile(join(dir, name.replace(/[^A-Za-z0-9._-]/g, '_')), hidden.slice(0, fileCharsMax));
    }
  } catch {
    // The engine may be what failed.
  }
}
