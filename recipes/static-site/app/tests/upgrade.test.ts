// The newest release serves, by its image as well as by its label, and what was there before still is.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('upgrade', () => {
  test('runs the release that its label names', async () => {
    const { headers } = await app.http('http://app/-/health');
    expect(headers['x-site-release']).toBe(app.version?.split('+')[1]);
  });

  test('serves by the new configuration', async () => {
    const { headers } = await app.http('http://app/-/health');
    expect(headers['x-config-version']).toBe(app.env.SITE_CONF_VERSION);
    expect(headers['x-site-name']).toBe(app.env.SITE_NAME);
  });

  test('keeps a page of the release before', async () => {
    const { status, body } = await app.http('http://app/before-upgrade.html');
    expect(status).toBe(200);
    expect(body).toBe('<h1>Written by the release before</h1>\n');
  });
});
