// A fresh server takes visitors in, over TLS alone.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('install', () => {
  test('takes a visitor in over TLS', async () => {
    const { protocol, channels } = await visit(app, { name: 'first' }, (visitor) => visitor);
    expect(protocol).toMatch(/^TLSv1\.[23]$/);
    expect(channels.map(({ id }) => id)).toEqual([0]);
  });
});
