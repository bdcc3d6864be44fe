import { describe, expect, it } from 'vitest';
import { admittedOf, openTexts } from '../../../support/app/swarmApp.ts';

/** Merges two files into one document, and returns its service `app`. */
async function merged(base: object, over: object): Promise<{ [key: string]: unknown }> {
  const declared = { volumes: { one: {}, two: {} }, configs: { c: { file: 'c' } }, networks: { n: {}, m: {} } };
  const files = {
    'compose.yml': JSON.stringify({ version: '3.8', services: { app: { image: 'a:1', ...base } }, ...declared }),
    'compose.over.yml': JSON.stringify({ version: '3.8', services: { app: over } }),
    c: 'x',
  };
  return JSON.parse(admittedOf(await openTexts(files, { compose: ['compose.yml', 'compose.over.yml'] })).document)
    .services.app;
}

// The expected results are those of `docker stack config -c base -c over`.
describe('a service defined in two files', () => {
  it.each([
    ['image', 'a:1', 'a:2', 'a:2'],
    ['command', ['a', 'b'], ['c'], ['c']],
    ['command', 'run it', [], 'run it'],
    ['entrypoint', ['a'], 'b', 'b'],
    ['user', '0', '1', '1'],
    ['init', true, false, true],
    ['read_only', false, true, true],
    ['stop_grace_period', '10s', '0s', '10s'],
    ['stop_grace_period', '10s', '5s', '5s'],
    ['extra_hosts', ['a:1.2.3.4'], ['a:1.2.3.5'], ['a:1.2.3.4', 'a:1.2.3.5']],
    ['tmpfs', ['/a'], ['/b'], ['/a', '/b']],
    ['ulimits', { nofile: 1, nproc: { soft: 1, hard: 2 } }, { nofile: 2 }, { nofile: 2, nproc: { soft: 1, hard: 2 } }],
    ['sysctls', ['net.ipv4.a=1'], { 'net.ipv4.b': 2 }, { 'net.ipv4.a': '1', 'net.ipv4.b': '2' }],
    [
      'healthcheck',
      { test: 'x', interval: '1s', retries: 3 },
      { interval: '2s', retries: 0 },
      { test: 'x', interval: '2s', retries: 0 },
    ],
    ['environment', ['A=1', 'B=2', 'C=3'], { A: '9', B: '', D: '' }, ['A=9', 'B=2', 'C=3', 'D=']],
    ['networks', ['n'], { n: { aliases: ['x'] }, m: {} }, { n: { aliases: ['x'] }, m: { aliases: [] } }],
  ])('%s: %j under %j gives %j', async (key, base, over, result) => {
    expect((await merged({ [key]: base }, { [key]: over }))[key]).toEqual(result);
  });

  it("merges mounts by target, configs by source, and ports by the host's port", async () => {
    const app = await merged(
      { volumes: ['one:/a', 'one:/b'], configs: [{ source: 'c', target: '/c' }], ports: ['80:80', '81:81'] },
      { volumes: ['two:/b:ro'], configs: [{ source: 'c', target: '/d' }], ports: ['80:8080', '82:82'] },
    );
    expect(app.volumes).toEqual([
      { type: 'volume', source: 'one', target: '/a', read_only: false },
      { type: 'volume', source: 'two', target: '/b', read_only: true },
    ]);
    expect(app.configs).toEqual([{ source: 'c', target: '/d' }]);
    expect((app.ports as { target: number }[]).map(({ target }) => target)).toEqual([8080, 81, 82]);
  });

  it('merges `deploy` deeply, and accepts replicas of 0', async () => {
    const app = await merged(
      { deploy: { replicas: 2, resources: { limits: { memory: '1M', cpus: '0.5' } }, labels: ['a=1', 'b=2'] } },
      { deploy: { replicas: 0, resources: { limits: { memory: '2M' } }, labels: { b: '' } } },
    );
    expect(app.deploy).toMatchObject({ replicas: 0, resources: { limits: { memory: '2M', cpus: '0.5' } } });
    expect((app.deploy as { labels: string[] }).labels.slice(0, 2)).toEqual(['a=1', 'b=']);
  });

  it("is refused if docker would append one health check's test to the other's", async () => {
    const health = { healthcheck: { test: ['CMD', 'true'] } };
    await expect(merged(health, health)).rejects.toThrow('docker would append this test');
  });

  it('is refused if the versions of the files differ', async () => {
    const opened = await openTexts(
      { 'compose.yml': 'version: "3.8"\nservices: {app: {image: a}}', 'o.yml': 'version: "3.7"\nservices: {}' },
      { compose: ['compose.yml', 'o.yml'] },
    );
    expect(opened).toMatchObject({
      refused: expect.stringContaining('o.yml:1: version: docker merges only files of the same'),
    });
  });
});
