// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files contain such variables
import { describe, expect, it } from 'vitest';
import { admittedOf, faultsOf, network, openFixture, openTexts, stack } from '../../../support/app/swarmApp.ts';

const smtp = { SMTP_FROM: 'notes@notes.test', SECRET_SMTP_PASSWORD_VERSION: 'v9' };

describe('an app in the Co-op Cloud layout', () => {
  it('is admitted whole: version, services, volumes, configs, secrets, backup', async () => {
    const app = admittedOf(await openFixture('notes'));
    expect(app).toMatchObject({
      stack,
      version: '2.0.1+7.5.1',
      main: 'app',
      volumes: ['uploads', 'plugins', 'database'],
    });
    expect(app.services).toEqual({
      app: { image: 'notes/notes-team:7.5.1', replicas: 1, hasHealthcheck: true, volumes: ['uploads', 'plugins'] },
      db: { image: 'postgres:15.4', replicas: 1, hasHealthcheck: true, volumes: ['database'] },
    });
    expect(app.configs.map(({ name, template }) => [name, template])).toEqual([
      [`${stack}_entrypoint_v3`, true],
      [`${stack}_pg_backup_v4`, false],
    ]);
    expect(app.configs[0]?.bytes.toString()).toContain('{{ secret "session_key" }}');
    expect(app.secrets).toEqual([
      { key: 'db_password', name: `${stack}_db_password_v1`, length: 40 },
      { key: 'session_key', name: `${stack}_session_key_v2`, length: 32 },
    ]);
    expect(app.backup.services).toMatchObject([
      { service: 'app', volumes: [{ volume: 'uploads', paths: null }], preHook: null },
      {
        service: 'db',
        volumes: [{ volume: 'database', paths: ['backup.sql', 'wal'] }],
        preHook: '/pg_backup.sh backup',
        restorePostHook: '/pg_backup.sh restore',
      },
    ]);
    expect(app.env).toMatchObject({ DOMAIN: 'notes.test', LETS_ENCRYPT_ENV: '', PG_BACKUP_VERSION: 'v4' });
    expect(app.env).not.toHaveProperty('HOST_SECRET');
    expect(app.env).not.toHaveProperty('INSIDE');
    expect(faultsOf(app.document)).toEqual([]);
  });

  it('gives lint the texts that were read', async () => {
    const opened = await openFixture('notes');
    expect('files' in opened && Object.keys(opened.files)).toEqual(['compose.yml', '.env.sample', 'abra.sh']);
  });

  it('prefers its environment to its env_file; if a variable has no value, the run supplies it', async () => {
    const app = admittedOf(await openFixture('notes', { env: { PGTZ: 'UTC' } }));
    const { services } = JSON.parse(app.document);
    expect(services.app.environment).toEqual([
      'LOG_LEVEL=info',
      'QUOTED="kept as is"',
      'PORT=8065',
      'TZ=UTC',
      `DB_HOST=${stack}_db`,
      'DB_NAME=notes',
      'DB_PASSWORD_FILE=/run/secrets/db_password',
      'SITE_URL=https://notes.test/',
      'GREETING=costs $$5',
      'PROXY=',
    ]);
    // TZ is set nowhere, so docker does not pass it on.
    expect(services.db.environment).toEqual([
      'POSTGRES_DB=notes',
      'POSTGRES_PASSWORD_FILE=/run/secrets/db_password',
      'PGTZ=UTC',
    ]);
  });

  it('is rewritten to suit a kernel with or without IPVS', async () => {
    const without = JSON.parse(admittedOf(await openFixture('notes')).document);
    const withIt = JSON.parse(admittedOf(await openFixture('notes', { platform: { ipvs: true } })).document);
    const ports = [
      { target: 8065, protocol: 'tcp', published: 0, mode: 'host' },
      { target: 8443, protocol: 'udp', published: 0, mode: 'host' },
    ];
    expect([without.services.app.ports, withIt.services.app.ports]).toEqual([ports, ports]);
    expect([without.services.app.deploy.endpoint_mode, withIt.services.app.deploy.endpoint_mode]).toEqual([
      'dnsrr',
      undefined,
    ]);
    expect(without.networks.proxy).toEqual({ external: true, name: network });
    expect(without.networks.internal.internal).toBe(true);
  });

  it('has the same container labels in every release; its own labels are on the service only', async () => {
    const compose = (label: string) =>
      `version: "3.8"\nservices:\n  app:\n    image: a:1\n    labels: [${label}]\n    deploy: {labels: [${label}]}`;
    const [one, two] = await Promise.all(['k=1', 'k=2'].map((label) => openTexts({ 'compose.yml': compose(label) })));
    const [first, second] = [one, two].map((opened) => JSON.parse(admittedOf(opened as never).document).services.app);
    expect(first.labels).toEqual(second.labels);
    expect(first.deploy.labels).toContain('k=1');
    expect(second.deploy.labels).toContain('k=2');
  });

  it('applies overlays in order', async () => {
    const over = { compose: ['compose.yml', 'compose.smtp.yml'], env: smtp };
    const app = admittedOf(await openFixture('notes', over));
    const { services, networks } = JSON.parse(app.document);
    expect(services.app.environment).toContain('SMTP_FROM=notes@notes.test');
    expect(services.app.environment).toContain('TZ=Europe/Amsterdam');
    expect(services.app.deploy.labels).toContain('traefik.enable=false');
    expect(services.app.deploy.labels).not.toContain('traefik.enable=true');
    expect(services.app.deploy.update_config).toEqual({ failure_action: 'rollback', order: 'stop-first' });
    expect(Object.keys(services.app.networks)).toEqual(['proxy', 'internal', 'smtp']);
    expect(Object.keys(networks)).toEqual(['default', 'proxy', 'internal', 'smtp']);
    // A comment in .env.sample gives the length of this secret.
    expect(app.secrets[2]).toEqual({ key: 'smtp_password', name: `${stack}_smtp_password_v9`, length: 24 });
  });

  it('is refused if an overlay asks for an unset variable', async () => {
    const opened = await openFixture('notes', { compose: ['compose.yml', 'compose.smtp.yml'] });
    expect(opened).toEqual({
      refused:
        'compose.smtp.yml:8: the variable SMTP_FROM is not set: who mails come from; set it at .env.sample:16, where it is ' +
        "commented out, or in the recipe's env, or give a default: ${SMTP_FROM:-}",
    });
  });

  it("uses the recipe's values in every line of .env.sample that refers to them", async () => {
    const files = {
      'compose.yml': 'version: "3.8"\nservices:\n  app:\n    image: a:1\n',
      '.env.sample': 'A=1\nB=x$A$DOMAIN\n',
    };
    const app = admittedOf(await openTexts(files, { env: { A: '2' } }));
    expect(app.env).toMatchObject({ A: '2', B: 'x2notes.test' });
  });

  it('uses the names of a separate stack if another app needs this one', async () => {
    const app = admittedOf(await openFixture('notes', { stack: `${stack}-db` }));
    expect(app.secrets[0]?.name).toBe(`${stack}-db_db_password_v1`);
    expect(app.version).toBe('2.0.1+7.5.1');
    expect(JSON.parse(app.document).networks.proxy.name).toBe(network);
  });
});

describe('an app folder', () => {
  const whole = {
    'compose.yml':
      'version: "3.8"\nservices:\n  app:\n    image: a:1\n    configs: [c]\nconfigs:\n  c:\n    file: c.txt\n',
    'c.txt': 'x',
  };

  it('may lack .env.sample and abra.sh', async () => {
    expect(admittedOf(await openTexts(whole)).configs).toEqual([
      { name: `${stack}_c`, bytes: Buffer.from('x'), template: false },
    ]);
  });

  it.each([
    ['compose.yml: missing or a symbolic link', {}],
    ['compose.yml:7: the file c.txt is missing or a symbolic link', { 'compose.yml': whole['compose.yml'] }],
    ['compose.yml:7: configs.c: c.txt has 0 bytes', { ...whole, 'c.txt': '' }],
    ['compose.yml:7: configs.c: c.txt has 1024000 bytes', { ...whole, 'c.txt': 'x'.repeat(1_024_000) }],
    ['.env.sample:1: nonsense is not a variable', { ...whole, '.env.sample': 'nonsense' }],
    ['compose.yml:1: version: docker does not accept a number here', { 'compose.yml': 'version: 3.8\nservices: {}\n' }],
    ['there is no service app', { 'compose.yml': 'version: "3.8"\nservices:\n  web:\n    image: a:1\n' }],
  ])('is refused because of a bad file: %s', async (why, files) => {
    expect(await openTexts(files as Record<string, string>)).toMatchObject({ refused: expect.stringContaining(why) });
  });

  it('causes an error, not a refusal, if the box that reads it fails', async () => {
    const read = () => Promise.reject(new Error('the box is gone'));
    await expect(openTexts({}, { read })).rejects.toThrow('the box is gone');
  });
});
