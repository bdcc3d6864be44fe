// The first release serves by its own configuration.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('install', () => {
  test('says by which configuration it serves', async () => {
    const { status, headers } = await app.http('http://app/-/health');
    expect(status).toBe(200);
    expect(headers['x-config-version']).toBe(app.env.SITE_CONF_VERSION);
  });

  test('says that a page is not there', async () => {
    expect((await app.http('http://app/no-such-page.html')).status).toBe(404);
  });
});
