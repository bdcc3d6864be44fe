import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { httpStatusOf, openDocker, withSignal } from '../../../../runner/swarm/engine/docker.ts';
import { dockerReport } from '../../../../runner/swarm/engine/report.ts';
import { tempDir } from '../../../support/temp.ts';

describe('a client of the engine', () => {
  it('gives up at its deadline if the engine does not answer', async () => {
    const docker = openDocker(await engine(() => {}), { callMs: 50 });
    const error = await docker.listServices().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'engine', message: expect.stringContaining('GET /services within 0.05 s') });
  });

  it('gives up when its signal is aborted, with the reason of the abort', async () => {
    const abort = new AbortController();
    const docker = withSignal(openDocker(await engine(() => abort.abort(new Error('enough')))), abort.signal);
    await expect(docker.listServices()).rejects.toThrow('enough');
    await expect(docker.info()).rejects.toThrow('enough');
  });

  it('limits the time until a stream starts, not how long it lasts', async () => {
    const events = Promise.withResolvers<ServerResponse>();
    const socket = await engine((_, response) => {
      response.write('{"Type":');
      events.resolve(response);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = await openDocker(socket).getEvents();
    vi.advanceTimersByTime(24 * 3600_000);
    (await events.promise).end('"late"}');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(text).toBe('{"Type":"late"}');
  });

  it('throws an error with the status if the engine refuses', async () => {
    const socket = await engine((_, response) => response.writeHead(409).end('{"message":"in use"}'));
    const error = await openDocker(socket)
      .getVolume('v')
      .remove()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'engine', message: 'Docker: DELETE /volumes/v: in use' });
    expect(httpStatusOf(error)).toBe(409);
  });

  it('throws an error without a status if there is no engine', async () => {
    const error = await openDocker(join(tempDir(), 'none.sock'))
      .info()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'engine' });
    expect(httpStatusOf(error)).toBeNull();
  });

  it('uses the engine at the given socket, whatever DOCKER_HOST says', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const socket = await engine((_, response) => response.end('{"Name":"mine"}'));
    expect(await openDocker(socket).info()).toEqual({ Name: 'mine' });
  });
});

describe('the report on an engine', () => {
  const of = (Swarm: object | undefined) =>
    engine((request, response) =>
      response.end(JSON.stringify(request.url === '/version' ? { ApiVersion: '1.41' } : { Swarm })),
    );

  it('says that no engine is listening', async () => {
    expect(await dockerReport(join(tempDir(), 'none.sock'))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/no Docker/),
    });
  });

  it('says that an engine is dead', async () => {
    const socket = await engine((request) => request.socket.destroy());
    expect(await dockerReport(socket)).toMatchObject({ ok: false, why: expect.stringMatching(/does not answer/) });
  });

  it.each<[string, object | undefined, RegExp, RegExp]>([
    ['no swarm is active', { LocalNodeState: 'inactive' }, /no swarm is active/, /swarm init .*--listen-addr 127/],
    ['the swarm state is unknown', undefined, /no swarm is active/, /swarm init/],
    ['the swarm is locked', { LocalNodeState: 'locked' }, /locked/, /unlock/],
    ['it is a worker', { LocalNodeState: 'active', ControlAvailable: false }, /worker/, /promote/],
  ])('says that %s', async (_, swarm, why, mend) => {
    expect(await dockerReport(await of(swarm))).toEqual({
      ok: false,
      why: expect.stringMatching(why),
      mend: expect.stringMatching(mend),
    });
  });

  it('accepts a manager', async () => {
    const report = await dockerReport(await of({ LocalNodeState: 'active', ControlAvailable: true }));
    expect(report).toMatchObject({ ok: true, api: '1.41', swarm: true, ipvs: expect.any(Boolean) });
  });
});

/** Starts a server that answers as an engine might; returns the path of its socket. */
async function engine(answer: RequestListener): Promise<string> {
  const socket = join(tempDir(), 'docker.sock');
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(socket, done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return socket;
}
