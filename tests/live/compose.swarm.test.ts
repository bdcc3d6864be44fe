// Checks that docker's command line reads an admitted document without complaint and as intended.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { admittedOf, openFixture, stack } from '../support/app/swarmApp.ts';

const canRead = spawnSync('docker', ['stack', 'config', '--help'], { encoding: 'utf8' }).stdout?.includes(
  '--compose-file',
);

describe.skipIf(!canRead)('docker stack config (in docker 24 and later)', () => {
  it('accepts an admitted document, and returns variables, modes and labels as intended', async () => {
    const over = {
      compose: ['compose.yml', 'compose.smtp.yml'],
      env: { SMTP_FROM: 'a@b', SECRET_SMTP_PASSWORD_VERSION: 'v1' },
    };
    const { document } = admittedOf(await openFixture('notes', over));
    // Only PATH is passed, so a variable that is still in the document would become "" here.
    const env = { PATH: process.env.PATH ?? '' };
    const run = spawnSync('docker', ['stack', 'config', '-c', '-'], { input: document, encoding: 'utf8', env });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const { services, configs } = parse(run.stdout);
    expect(services.app.environment.GREETING).toBe('costs $5');
    expect(services.app.command).toEqual(['sh', '-c', 'exec notes --port $PORT']);
    expect(services.db.healthcheck.test).toEqual(['CMD-SHELL', `pg_isready -U \${POSTGRES_USER}`]);
    expect(services.app.configs[0].mode).toBe(0o555);
    expect(services.app.deploy.labels[`coop-cloud.${stack}.version`]).toBe('2.0.1+7.5.1');
    expect(configs.entrypoint).toEqual({ name: `${stack}_entrypoint_v3`, external: true });
  });
});
