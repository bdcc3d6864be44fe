import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('backup', () => {
  test('finds the profile where the labels say', async () => {
    expect(await app.output('app', 'cat /profiles/*.json')).toContain(`worth a backup, ${app.run}`);
  });
});
