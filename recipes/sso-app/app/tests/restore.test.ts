import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { signedIn } from './visitor.ts';

describe('restore', () => {
  test('brings back the profile as it was', async () => {
    const profile = await (await signedIn(app)).profile();
    expect(profile.motto).toBe(`worth a backup, ${app.run}`);
    expect(profile.logins).toBeGreaterThan(1);
  });
});
