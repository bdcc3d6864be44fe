// The part of a visitor's browser that signing in needs: keeps cookies per host and follows redirects one at a time.

import type { App, HttpAnswer } from 'coldpass/app';

const stepsMax = 10;

export type Seen = HttpAnswer & { url: string };

export class Visitor {
  readonly #app: App;
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(app: App) {
    this.#app = app;
  }

  /** A GET, or a POST of `form`. Does not follow redirects. */
  async ask(url: string, form?: Record<string, string>): Promise<Seen> {
    const cookie = [...this.#jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
    const type = form && { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await this.#app.http(url, {
      headers: { ...(cookie !== '' && { cookie }), ...type },
      ...(form && { method: 'POST', body: new URLSearchParams(form).toString() }),
    });
    this.#keep(url, answer.headers['set-cookie'] ?? '');
    return { ...answer, url };
  }

  /** Follows redirects until a page is shown. */
  async follow(url: string, form?: Record<string, string>): Promise<Seen> {
    let seen = await this.ask(url, form);
    for (let step = 0; seen.headers.location !== undefined; step += 1) {
      if (step === stepsMax) throw new Error(`${url} leads nowhere`);
      seen = await this.ask(new URL(seen.headers.location, seen.url).href);
    }
    return seen;
  }

  /** Goes from the app to the provider's form, fills it in, and returns to the app. */
  async signIn(password: string): Promise<Seen> {
    const form = await this.follow(`${baseOf(this.#app)}/login`);
    if (form.status !== 200) throw new Error(`the provider shows no form: ${form.status} ${form.body}`);
    return this.follow(form.url, { name: accountOf(this.#app).name, password });
  }

  async profile(motto?: string): Promise<{ status: number; name?: string; logins?: number; motto?: string }> {
    const url = `${baseOf(this.#app)}/api/profile`;
    const cookie = `session=${this.#jar(url).get('session') ?? ''}`;
    const change = motto === undefined ? {} : { method: 'PUT', body: JSON.stringify({ motto }) };
    const { status, body } = await this.#app.http(url, { headers: { cookie }, ...change });
    return { status, ...JSON.parse(body) };
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }

  #keep(url: string, cookies: string): void {
    for (const line of cookies.split('\n')) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) this.#jar(url).set(name, value);
    }
  }
}

export function baseOf(app: App): string {
  return app.env.BASE_URL ?? '';
}

export function issuerOf(app: App): string {
  return app.env.OIDC_ISSUER ?? '';
}

export function accountOf(app: App): { name: string; password: string } {
  const { ACCOUNT_NAME: name = '', ACCOUNT_PASSWORD: password = '' } = app.needs.oidc?.env ?? {};
  return { name, password };
}

export async function signedIn(app: App): Promise<Visitor> {
  const visitor = new Visitor(app);
  const { status, body } = await visitor.signIn(accountOf(app).password);
  if (status !== 200) throw new Error(`the sign-in failed with ${status}: ${body}`);
  return visitor;
}
