import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { texts } from './notes.ts';

describe('restore', () => {
  test('brings back the note of the dump', async () => {
    expect(await texts(app)).toContain(`worth a backup, ${app.run}`);
  });

  test('has nothing from after the backup', async () => {
    expect(await texts(app)).not.toContain(`younger than the backup, ${app.run}`);
  });
});
