// An OpenID provider for one run: one realm (the issuer's path), one client, one account. The protocol is the certified
// oidc-provider's; here are its configuration and the form for name and password. Nothing is kept over a restart.

import { generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';

const { ISSUER, CLIENT_ID, REDIRECT_URI, ACCOUNT_NAME, ACCOUNT_PASSWORD } = process.env;
for (const [name, value] of Object.entries({ ISSUER, CLIENT_ID, REDIRECT_URI, ACCOUNT_NAME, ACCOUNT_PASSWORD })) {
  if (!value) throw new Error(`${name} is not set`);
}
const realm = new URL(ISSUER).pathname;
const formCharsMax = 4096;

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: readFileSync('/run/secrets/client_secret', 'utf8').trim(),
      redirect_uris: [REDIRECT_URI],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub'], profile: ['name'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `${realm}/interaction/${uid}` },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${ACCOUNT_NAME} of ${CLIENT_ID}` }) }),
  // The client is the operator's own: nobody is asked whether it may know the name.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
});
provider.on('server_error', (_, error) => console.error(error));
const protocol = provider.callback();

process.on('SIGTERM', () => process.exit(0));
createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(`${request.method} ${request.url}: ${error.message}`);
    show(response, error.status ?? 500, 'This sign-in is no longer open.');
  });
}).listen(80, () => console.log(`${ISSUER} listens`));

async function answer(request, response) {
  const { pathname } = new URL(request.url, ISSUER);
  if (pathname === '/health') return show(response, 200, 'ready');
  if (!pathname.startsWith(`${realm}/`)) return show(response, 404, 'There is no such realm.');
  if (pathname.startsWith(`${realm}/interaction/`)) return signIn(request, response);
  request.originalUrl = request.url;
  request.url = request.url.slice(realm.length);
  protocol(request, response);
}

async function signIn(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return show(response, 200, form());
  const said = await text(request);
  const given = new URLSearchParams(said.slice(0, formCharsMax));
  if (same(given.get('name'), ACCOUNT_NAME) && same(given.get('password'), ACCOUNT_PASSWORD)) {
    const login = { accountId: ACCOUNT_NAME };
    return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  }
  show(response, 401, form('That is not the name and password of an account.'));
}

function same(given, right) {
  const [a, b] = [given ?? '', right].map((word) => Buffer.from(word));
  return a.length === b.length && timingSafeEqual(a, b);
}

function show(response, status, inside) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><title>Sign in</title>${inside}`);
}

function form(trouble = '') {
  return `<h1>Sign in</h1><p>${trouble}</p><form method=post>
<input name=name autocomplete=username><input name=password type=password><button>Sign in</button></form>`;
}
