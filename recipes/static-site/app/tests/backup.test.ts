// The seeded page is served when the backup is made.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('backup', () => {
  test('the seeded page is served', async () => {
    const { body } = await app.http('http://app/seeded/deep/');
    expect(body).toBe(await app.mark('seeded page'));
  });
});
