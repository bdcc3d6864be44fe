// The newest release serves, as its image and its label show, and earlier pages are still there.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('upgrade', () => {
  test('runs the release that its label names', async () => {
    const { headers } = await app.http('http://app/-/health');
    expect(headers['x-site-release']).toBe(app.version?.split('+')[1]);
  });

  test('serves with the new configuration', async () => {
    const { headers } = await app.http('http://app/-/health');
    expect(headers['x-config-version']).toBe(app.env.SITE_CONF_VERSION);
    expect(headers['x-site-name']).toBe(app.env.SITE_NAME);
  });

  test('keeps a page of the previous release', async () => {
    const { status, body } = await app.http('http://app/before-upgrade.html');
    expect(status).toBe(200);
    expect(body).toBe('<h1>Written by the previous release</h1>\n');
  });
});
