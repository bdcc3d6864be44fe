import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { padOf, read } from './pad.ts';

describe('upgrade', () => {
  test('opens a pad of the previous release', async () => {
    expect(await read(app, await padOf(app, 'old'))).toBe(`older than the upgrade, ${app.run}`);
  });
});
