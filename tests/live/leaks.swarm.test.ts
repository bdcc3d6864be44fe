// The search for leaked secrets in a run on a real Swarm. One service of the run logs a secret; a container has one in
// its environment; an image, a backup and a report contain one each. In a clean twin of the run nothing is found.

import { randomBytes } from 'node:crypto';
import Dockerode from 'dockerode';
import { expect, it, onTestFinished, vi } from 'vitest';
import { tarOf } from '../../runner/swarm/engine/tar.ts';
import { secretOf } from '../../runner/swarm/leak/canary.ts';
import { findLeaks, type LeakAsk } from '../../runner/swarm/leak/places.ts';
import { describeSwarm } from '../support/app/engine.ts';
import { docker, type Yard, yard } from '../support/app/vault.ts';

const timeout = 300_000;
const key = 'db_password';

/** Creates a service of the run that gets the secret from Swarm, and waits until it has run `script`. */
async function serve({ names, labels, image }: Yard, value: string, script: string): Promise<void> {
  const name = `${names.stack}_${key}`;
  const secret = await docker.createSecret({
    Name: name,
    Labels: { ...labels },
    Data: Buffer.from(value).toString('base64'),
  });
  onTestFinished(() => docker.getSecret(secret.id).remove());
  const mount = { SecretID: secret.id, SecretName: name, File: { Name: key, UID: '0', GID: '0', Mode: 0o444 } };
  const Command = ['/bin/sh', '-c', `${script}; echo ready; exec sleep 600`];
  const ContainerSpec = {
    Image: image,
    Env: ['PATH=/bin'],
    Labels: { ...labels },
    Command,
    Secrets: [mount],
    StopGracePeriod: 0,
  };
  const service = await docker.createService({
    Name: `${names.stack}_app`,
    Labels: { ...labels },
    TaskTemplate: { ContainerSpec, RestartPolicy: { Condition: 'none' } },
  });
  const filters = { label: [`com.docker.swarm.service.name=${names.stack}_app`] };
  const containers = () => docker.listContainers({ all: true, filters });
  onTestFinished(async () => {
    await docker.getService(service.id).remove();
    await vi.waitUntil(async () => (await containers()).length === 0, { timeout, interval: 100 });
  });
  const isReady = async () => {
    const [container] = await containers();
    if (container === undefined) return false;
    // Swarm may have replaced the container since it was listed.
    const log = await docker
      .getContainer(container.Id)
      .logs({ stdout: true, follow: false })
      .catch(() => '');
    return log.includes('ready');
  };
  await vi.waitUntil(isReady, { timeout, interval: 100 });
}

/** Creates a container of the run that is never started. */
async function stand({ labels }: Yard, image: string, options: { Env?: string[]; file?: string }): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sh'],
    Labels: { ...labels },
    Env: options.Env ?? [],
  });
  onTestFinished(() => container.remove({ force: true }));
  const { file } = options;
  const entries = [{ kind: 'file' as const, name: 'leak', mode: 0o644, bytes: Buffer.from(file ?? '') }];
  if (file !== undefined) await container.putArchive(await tarOf(entries), { path: '/tmp' });
  return container.id;
}

function ask({ names }: Yard, more: Partial<LeakAsk>): LeakAsk {
  const signal = new AbortController().signal;
  return { docker, run: names.run, secrets: new Map(), texts: {}, vault: null, signal, ...more };
}

describeSwarm('the search of a run for leaked secrets', { timeout }, () => {
  it('finds each secret and reports its name, place and encoding; finds none in a clean twin', async () => {
    const value = secretOf(32, randomBytes);
    const secrets = new Map([
      [key, value],
      ['session_key', secretOf(24, randomBytes)],
      ['pin', '1234'],
    ]);
    const [leaky, clean] = await Promise.all([yard(), yard()]);
    await Promise.all([
      serve(leaky, value, `base64 /run/secrets/${key} >&2`),
      serve(clean, value, `sha256sum /run/secrets/${key}`),
      leaky
        .volume('data')
        .then(() => leaky.inside('data', `printf %s ${Buffer.from(value).toString('hex')} > /v/dump.sql`)),
      stand(leaky, leaky.image, { Env: [`SESSION=${secrets.get('session_key')}`] }),
    ]);
    const based = await stand(leaky, leaky.image, { file: `password: ${[...value].reverse().join('')}` });
    const { Id } = await docker.getContainer(based).commit({});
    onTestFinished(() => docker.getImage(Id).remove());
    await stand(leaky, Id, {});
    await leaky.leave();
    const vault = await leaky.open();
    await vault.back('data', null);

    const texts = { 'the report of install': JSON.stringify({ said: `dsn=postgres://u:${value}@db/` }) };
    const report = await findLeaks(ask(leaky, { secrets, texts, vault }));
    expect(report.leaks.toSorted()).toEqual([
      `secret ${key} in the backups, hex`,
      `secret ${key} in the layers of image ${Id.slice(0, 19)}, reversed`,
      `secret ${key} in the log of service app, base64`,
      `secret ${key} in the report of install, raw`,
      expect.stringMatching(/^secret session_key in the container of \w+, raw$/),
    ]);
    expect(report.unread).toEqual(['secret pin: too short, a match could be chance']);
    expect(JSON.stringify(report)).not.toContain(value.slice(1, 13));

    secrets.delete('pin');
    const nothing = { leaks: [], unread: [] };
    expect(await findLeaks(ask(clean, { secrets, texts: { 'the report of install': '{}' } }))).toEqual(nothing);
    const configs = await docker.listConfigs({ filters: { label: [`coldpass.run=${clean.names.run}`] } });
    expect(configs).toEqual([]);
  });

  it('throws if the run has nothing to search, or if there is no engine', async () => {
    const nobody = ask(await yard(), {});
    await expect(findLeaks(nobody)).rejects.toThrow('no service and no container');
    await expect(findLeaks({ ...nobody, docker: new Dockerode({ socketPath: '/nowhere' }) })).rejects.toMatchObject({
      code: 'engine',
    });
  });
});
