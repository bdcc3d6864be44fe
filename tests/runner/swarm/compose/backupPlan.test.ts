import { describe, expect, it } from 'vitest';
import { backupPlan } from '../../../../runner/swarm/compose/backupPlan.ts';

const volumes = ['data', 'cache'];

function plan(labels: Record<string, string>, others: Record<string, Record<string, string>> = {}) {
  const services = Object.entries({ app: labels, ...others }).map(
    ([name, given]) => [name, { at: 'compose.yml:3', labels: new Map(Object.entries(given)), volumes }] as const,
  );
  return backupPlan(new Map(services)).services.map(({ service, volumes }) => [
    service,
    ...volumes.map(({ volume, paths }) => `${volume}${paths ? `: ${paths.join(' ')}` : ''}`),
  ]);
}

describe('backup labels', () => {
  it.each([
    [{}, []],
    [{ 'backupbot.backup': 'false' }, []],
    [{ 'backupbot.backup': 'True' }, []],
    [{ 'backupbot.backup.volumes.data': 'true' }, []],
    [{ 'backupbot.backup': 'true' }, [['app', 'data', 'cache']]],
    [{ 'backupbot.backup': 'true', 'backupbot.backup.volumes.cache': 'false' }, [['app', 'data']]],
    [
      { 'backupbot.backup': 'true', 'backupbot.backup.volumes.data.path': 'a, b/c/' },
      [['app', 'data: a b/c', 'cache']],
    ],
    [{ 'backupbot.backup': 'true', 'backupbot.backup.volumes.none': 'false' }, [['app', 'data', 'cache']]],
  ] as [Record<string, string>, string[][]][])('%j include the right volumes', (labels, expected) => {
    expect(plan(labels)).toEqual(expected);
  });

  it('save a volume only once if two services mount it, whichever of them includes it', () => {
    const on = { 'backupbot.backup': 'true' };
    expect(plan({ ...on, 'backupbot.backup.volumes.data': 'false' }, { db: on })).toEqual([
      ['app', 'cache'],
      ['db', 'data'],
    ]);
  });

  it.each(['/etc', '../x', 'a/../../x', 'a,./b', 'a//b', 'a\\b'])('are refused for the path %s', (path) => {
    const labels = { 'backupbot.backup': 'true', 'backupbot.backup.volumes.data.path': path };
    expect(() => plan(labels)).toThrow('compose.yml:3: services.app.deploy.labels: the backup path');
  });
});
