import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { accountOf, baseOf, issuerOf, signedIn, Visitor } from './visitor.ts';

const other = 'r-ffffffffffff';

describe('functional', () => {
  test('greets a visitor by the name that the provider gives', async () => {
    const visitor = await signedIn(app);
    const { body } = await visitor.ask(`${baseOf(app)}/`);
    expect(body).toContain(`<h1>Hello ${accountOf(app).name} of sso-${app.run}</h1>`);
  });

  test('keeps a motto for the next sign-in', async () => {
    const motto = `per aspera <${crypto.randomUUID()}>`;
    const first = await signedIn(app);
    const { logins = 0 } = await first.profile(motto);
    const second = await signedIn(app);
    expect(await second.profile()).toMatchObject({ status: 200, motto, logins: logins + 1 });
  });

  test('refuses a wrong password', async () => {
    const visitor = new Visitor(app);
    const seen = await visitor.signIn(`${accountOf(app).password}x`);
    expect(seen.status).toBe(401);
    expect(seen.url.startsWith(issuerOf(app))).toBe(true);
    expect((await visitor.profile()).status).toBe(401);
  });

  test('refuses the client of another run', async () => {
    const { headers } = await app.http(`${baseOf(app)}/login`);
    const ours = new URL(headers.location ?? '');
    expect((await app.http(ours.href)).status).toBe(303);
    const theirs = new URL(ours);
    theirs.searchParams.set('client_id', `sso-${other}`);
    const { status, body } = await app.http(theirs.href);
    expect(status).toBe(400);
    expect(body).toContain('client');
  });

  test('has no realm for another run', async () => {
    const known = `${issuerOf(app)}/.well-known/openid-configuration`;
    expect((await app.http(known)).status).toBe(200);
    expect((await app.http(known.replace(app.run, other))).status).toBe(404);
  });

  test("gives no token without this run's secret", async () => {
    const ask = (secret: string) =>
      app.http(`${issuerOf(app)}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`sso-${app.run}:${secret}`)}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: 'none',
          redirect_uri: `${baseOf(app)}/callback`,
        }).toString(),
      });
    const right = await ask(await app.secret('oidc_client_secret'));
    expect([right.status, JSON.parse(right.body).error]).toEqual([400, 'invalid_grant']);
    const wrong = await ask('guessed');
    expect([wrong.status, JSON.parse(wrong.body).error]).toEqual([401, 'invalid_client']);
  });

  test('rejects an answer that it did not ask for', async () => {
    const forged = new Visitor(app);
    const state = new URL((await forged.ask(`${baseOf(app)}/login`)).headers.location ?? '').searchParams.get('state');
    expect((await new Visitor(app).ask(`${baseOf(app)}/callback?code=x&state=${state}`)).status).toBe(403);
    const again = await forged.ask(`${baseOf(app)}/login`);
    const mine = new URL(again.headers.location ?? '').searchParams.get('state');
    expect((await forged.ask(`${baseOf(app)}/callback?code=x&state=${mine}`)).status).toBe(403);
    expect((await forged.profile()).status).toBe(401);
  });
});
