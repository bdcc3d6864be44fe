// The first release serves with its own configuration.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('install', () => {
  test('reports the version of its configuration', async () => {
    const { status, headers } = await app.http('http://app/-/health');
    expect(status).toBe(200);
    expect(headers['x-config-version']).toBe(app.env.SITE_CONF_VERSION);
  });

  test('answers 404 for a missing page', async () => {
    expect((await app.http('http://app/no-such-page.html')).status).toBe(404);
  });
});
