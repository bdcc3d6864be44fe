import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { padOf, read } from './pad.ts';

describe('backup', () => {
  test('finds the pad in the volume', async () => {
    expect(await read(app, await padOf(app, 'kept'))).toBe(`worth a backup, ${app.run}`);
  });
});
