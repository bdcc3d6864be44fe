// The newest release runs, with the data of the previous one.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('upgrade', () => {
  test('runs the image of the newest release', async () => {
    expect((await app.output('app', 'echo "$MUMBLE_RELEASE"')).trim()).toBe('1.1');
  });

  test('has the limit that the newest release introduced', async () => {
    const bandwidth = await visit(app, { name: 'upgraded' }, (visitor) => visitor.bandwidth);
    expect(bandwidth).toBe(Number(app.env.BANDWIDTH));
  });

  test('keeps a channel', async () => {
    const channels = await visit(app, { name: 'returning' }, (visitor) => visitor.channels);
    expect(channels).toContainEqual(
      expect.objectContaining({ name: 'settled', description: 'of the previous release' }),
    );
  });
});
