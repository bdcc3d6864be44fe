import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { list, texts } from './notes.ts';

describe('upgrade', () => {
  test('keeps the notes of the previous release', async () => {
    expect(await texts(app)).toContain(`older than the upgrade, ${app.run}`);
  });

  test('finds an older note by its words', async () => {
    expect((await list(app, `?q=${encodeURIComponent('"older than" upgrade')}`)).map(({ text }) => text)).toEqual([
      `older than the upgrade, ${app.run}`,
    ]);
  });
});
