// A fresh server accepts visitors, over TLS only.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { visit } from './mumble.ts';

describe('install', () => {
  test('accepts a visitor over TLS', async () => {
    const { protocol, channels } = await visit(app, { name: 'first' }, (visitor) => visitor);
    expect(protocol).toMatch(/^TLSv1\.[23]$/);
    expect(channels.map(({ id }) => id)).toEqual([0]);
  });
});
