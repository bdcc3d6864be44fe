// An app that knows its visitors by OpenID Connect alone. What it knows of them, their profile, is a file each. Signing in is
// the certified openid-client's: code flow with PKCE, state and nonce.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import * as oidc from 'openid-client';

const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, BASE_URL } = process.env;
for (const [name, value] of Object.entries({ OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, BASE_URL })) {
  if (!value) throw new Error(`${name} is not set`);
}
const redirect_uri = `${BASE_URL}/callback`;
const keptMax = 1000;
/** By state: what must fit when the visitor comes back. */
const openings = new Map();
/** By the session cookie's value: the visitor's `sub`. */
const sessions = new Map();
let provider = null;

const server = createServer((request, response) => {
  answer(request).then(
    ({ status = 200, json, page, ...headers }) => {
      const type = page === undefined ? 'application/json' : 'text/html; charset=utf-8';
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(page ?? JSON.stringify(json));
    },
    (error) => {
      console.error(`${request.method} ${request.url?.split('?')[0]}: ${error.message}`);
      response.writeHead(error.status ?? 500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: error.status ? error.message : 'this went wrong' }));
    },
  );
});
process.on('SIGTERM', () => process.exit(0));
server.listen(80, () => console.log('sso-app 1.0 listens'));
provider = await discovered();
console.log(`visitors come from ${OIDC_ISSUER}`);

async function answer(request) {
  const url = new URL(request.url, BASE_URL);
  const cookies = cookiesOf(request);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /health':
      if (provider === null) throw refused(503, 'the provider is not known yet');
      return { json: { issuer: provider.serverMetadata().issuer } };
    case 'GET /':
      return { page: page(sessions.get(cookies.session)) };
    case 'GET /login':
      return opened();
    case 'GET /callback':
      return returned(url, cookies);
    case 'GET /api/profile':
      return { json: profileOf(visitor(cookies)) };
    case 'POST /logout':
      sessions.delete(cookies.session);
      return { json: {} };
    default:
      throw refused(404, 'there is no such page');
  }
}

async function opened() {
  if (provider === null) throw refused(503, 'the provider is not known yet');
  const [state, nonce, pkceCodeVerifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
  keep(openings, state, { expectedState: state, expectedNonce: nonce, pkceCodeVerifier });
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier);
  const asked = { redirect_uri, scope: 'openid profile', state, nonce, code_challenge, code_challenge_method: 'S256' };
  return {
    ...{ status: 302, page: '', location: oidc.buildAuthorizationUrl(provider, asked).href },
    'set-cookie': `opening=${state}; HttpOnly; SameSite=Lax; Path=/`,
  };
}

async function returned(url, cookies) {
  const state = url.searchParams.get('state');
  const checks = openings.get(state);
  openings.delete(state);
  if (checks === undefined || cookies.opening !== state) throw refused(403, 'nobody here began this sign-in');
  const claims = await claimsFor(new URL(url.pathname + url.search, BASE_URL), checks);
  const known = stored(claims.sub);
  store(claims.sub, { name: claims.name, logins: (known?.logins ?? 0) + 1 });
  const session = randomBytes(32).toString('hex');
  keep(sessions, session, claims.sub);
  return { status: 302, page: '', location: '/', 'set-cookie': `session=${session}; HttpOnly; SameSite=Lax; Path=/` };
}

async function claimsFor(url, checks) {
  try {
    const tokens = await oidc.authorizationCodeGrant(provider, url, checks);
    return tokens.claims();
  } catch (error) {
    throw refused(403, `the provider's answer does not hold: ${error.code ?? error.message}`);
  }
}

function visitor({ session }) {
  const sub = sessions.get(session);
  if (sub === undefined) throw refused(401, 'sign in first');
  return sub;
}

function profileOf(sub) {
  const { name, logins } = stored(sub);
  return { name, logins };
}

function fileOf(sub) {
  return `/profiles/${createHash('sha256').update(sub).digest('hex')}.json`;
}

function stored(sub) {
  try {
    return JSON.parse(readFileSync(fileOf(sub), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function store(sub, profile) {
  writeFileSync(`${fileOf(sub)}.new`, JSON.stringify(profile));
  renameSync(`${fileOf(sub)}.new`, fileOf(sub));
}

function keep(map, key, value) {
  if (map.size >= keptMax) map.delete(map.keys().next().value);
  map.set(key, value);
}

async function discovered() {
  const options = { execute: OIDC_ISSUER.startsWith('http://') ? [oidc.allowInsecureRequests] : [], timeout: 5 };
  const client = { client_secret: OIDC_CLIENT_SECRET, id_token_signed_response_alg: 'ES256' };
  for (;;) {
    try {
      return await oidc.discovery(new URL(OIDC_ISSUER), OIDC_CLIENT_ID, client, undefined, options);
    } catch (error) {
      console.log(`waiting for the provider: ${error.cause?.message ?? error.message}`);
      await delay(500);
    }
  }
}

function cookiesOf(request) {
  return Object.fromEntries((request.headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('=')));
}

function refused(status, message) {
  return Object.assign(new Error(message), { status });
}

function page(sub) {
  const escaped = (value) => value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  if (sub === undefined) return '<!doctype html><title>Welcome</title><a href="/login">Sign in</a>';
  const { name } = profileOf(sub);
  return `<!doctype html><title>Welcome</title><h1>Hello ${escaped(name)}</h1>`;
}
