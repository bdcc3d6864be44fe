import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { padOf, read } from './pad.ts';

describe('restore', () => {
  test('brings back the pad as it was', async () => {
    expect(await read(app, await padOf(app, 'kept'))).toBe(`worth a backup, ${app.run}`);
  });
});
