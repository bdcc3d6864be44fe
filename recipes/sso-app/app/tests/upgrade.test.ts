import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { signedIn } from './visitor.ts';

describe('upgrade', () => {
  test('knows a visitor of the previous release', async () => {
    const profile = await (await signedIn(app)).profile();
    expect(profile).toMatchObject({ logins: Number(await app.mark('logins')) + 1, motto: '' });
  });
});
