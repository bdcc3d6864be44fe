import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { baseOf, issuerOf, Visitor } from './visitor.ts';

describe('install', () => {
  test('knows the provider of this run', async () => {
    expect(issuerOf(app)).toContain(app.run);
    const { body } = await app.http(`${baseOf(app)}/health`);
    expect(JSON.parse(body)).toEqual({ issuer: issuerOf(app) });
  });

  test('tells a stranger nothing', async () => {
    expect((await new Visitor(app).profile()).status).toBe(401);
  });

  test('sends a visitor to the provider with state, nonce and a challenge', async () => {
    const { status, headers } = await app.http(`${baseOf(app)}/login`);
    expect(status).toBe(302);
    const to = new URL(headers.location ?? '');
    expect(to.href.startsWith(`${issuerOf(app)}/`)).toBe(true);
    const request = Object.fromEntries(to.searchParams);
    expect(request).toMatchObject({
      client_id: `sso-${app.run}`,
      response_type: 'code',
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(request[name]?.length, name).toBeGreaterThan(20);
  });
});
