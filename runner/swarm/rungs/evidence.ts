// Files beside a run's record, for people: screenshots of pages after their tests and, after a red rung, the state of
// the services before anything is taken down.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RungEnd } from '../../run/engine.ts';
import type { Stack } from '../app/app.ts';

const fileCharsMax = 1024 * 1024;

/** True if a rung failed, by itself or through a test. */
export function isRed({ tests, failed }: RungEnd): boolean {
  return failed !== null || tests.some(({ status }) => status === 'fail');
}

/** Writes a rung's screenshots and returns them by file name. Never rejects: evidence is not part of the verdict. */
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
    // The disk may be full; the screenshots are still searched for secrets.
  }
  return named;
}

/**
 * Writes the stack's evidence without values of the run's secrets. Never rejects: evidence is not part of the verdict.
 */
export async function keepEvidence(dir: string, stack: Stack, secrets: ReadonlyMap<string, string>): Promise<void> {
  try {
    const files = await stack.evidence();
    await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) {
      const hidden = [...secrets].reduce((all, [key, value]) => all.replaceAll(value, `<secret ${key}>`), text);
      await writeFile(join(dir, name.replace(/[^A-Za-z0-9._-]/g, '_')), hidden.slice(0, fileCharsMax));
    }
  } catch {
    // The engine itself may be what failed.
  }
}
