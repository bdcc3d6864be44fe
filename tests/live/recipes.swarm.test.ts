// The shipped recipes on a real Swarm, four at once. Each reaches its declared level, and each defective twin is red at
// the rung and by the test that the recipe's README names. Nothing of them is left, and objects beside them are
// untouched. Then the same app runs twice at once. Unless something that apps depend on has changed, only two recipes
// and one twin run.

import { beforeAll, expect, test } from 'vitest';
import { buildImages } from '../../recipes/images/build.ts';
import type { RunRecord } from '../../state/entry/record.ts';
import { type AppRepo, sharedApps } from '../support/app/apps.ts';
import { describeSwarm, engineSocket } from '../support/app/engine.ts';
import { isWhole } from '../support/long.ts';

const runMs = 1_200_000;
const all = isWhole('apps');
const shipped = ['static-site', 'notes-postgres', 'blog-mariadb', 'mail', 'mumble', 'sso-app', 'pad'];
const recipes = all ? shipped : ['static-site', 'notes-postgres'];

/** For each twin, the rung at which it is red, and the test or check that fails there. */
const twins: Record<string, { rung: string; by: string }> = {
  'static-site': { rung: 'upgrade', by: 'upgrade > runs the release that its label names' },
  'notes-postgres': { rung: 'backup_restore', by: 'restore > brings back the note of the dump' },
  'blog-mariadb': { rung: 'upgrade', by: 'upgrade > keeps the posts of the previous release' },
  mail: { rung: 'backup_restore', by: 'restore > mail message' },
  mumble: { rung: 'functional', by: 'functional > max_users is what USERS says' },
  pad: { rung: 'functional', by: 'functional > keeps nothing that the server could read' },
};

describeSwarm.concurrent('the shipped recipes on a real Swarm', () => {
  const apps = sharedApps(engineSocket);
  beforeAll(() => buildImages(recipes, { socket: engineSocket() }), runMs);

  for (const name of recipes) {
    test(
      `${name} climbs to level 5`,
      async () => {
        const record = await apps().run(await apps().lay(name));
        expect(summaryOf(record), record.reason).toMatchObject({ outcome: 'PASS', level: 5, flags: clean });
        expect(record.app).toMatchObject({ deploys: { made: record.app?.deploys.expected } });
        expect(record.app?.crossover).not.toBeNull();
        leavesNothing(record);
      },
      runMs,
    );
  }

  for (const [name, { rung, by }] of Object.entries(twins).filter(([name]) => all || name === 'notes-postgres')) {
    test(
      `the twin of ${name} is red at ${rung}: ${by}`,
      async () => {
        const record = await apps().run(await apps().lay(name, { twin: true }));
        expect(summaryOf(record), record.reason).toMatchObject({ outcome: 'FAIL' });
        expect(record.stages.find((stage) => stage.rung === 'fail')?.name).toBe(rung);
        expect(
          failing(record).some((id) => id.endsWith(by)),
          failing(record).join('\n'),
        ).toBe(true);
        leavesNothing(record);
      },
      runMs,
    );
  }

  if (!all) return;

  test(
    'the twin of sso-app is green on every rung, but red because of the secret in its log',
    async () => {
      const record = await apps().run(await apps().lay('sso-app', { twin: true }));
      expect(summaryOf(record), record.reason).toMatchObject({ outcome: 'FAIL', flags: { no_secret_leak: false } });
      expect(record.stages.map(({ rung }) => rung)).not.toContain('fail');
      expect(record.reason).toMatch(/oidc_client_secret in the log of/);
      leavesNothing(record);
    },
    runMs,
  );

  test(
    'an app whose container keeps ending is red at install',
    async () => {
      const record = await apps().run(await apps().lay('sso-app', { over: ['twin-install'] }));
      expect(record.stages.map(({ rung }) => rung)).toEqual([
        'fail',
        'unverified',
        'unverified',
        'unverified',
        expect.any(String),
      ]);
      expect(failing(record)).toEqual(['install > coldpass > every service stands']);
      leavesNothing(record);
    },
    runMs,
  );

  test(
    'the same app can run twice at once, and neither sees the other',
    async () => {
      const repo: AppRepo = await apps().lay('static-site');
      const records = await Promise.all([apps().run(repo), apps().run(repo)]);
      for (const record of records) {
        expect(summaryOf(record), record.reason).toMatchObject({ outcome: 'PASS', level: 5 });
        leavesNothing(record);
      }
    },
    runMs,
  );
});

const clean = { clean_teardown: true, no_secret_leak: true };

/** Returns the members that the tests compare, and those that explain a difference. */
function summaryOf({ outcome, level, flags, reason, stages }: RunRecord) {
  return { outcome, level, flags, reason, said: stages.find(({ rung }) => rung === 'fail')?.log.tail.slice(-3000) };
}

function failing({ tests }: RunRecord): string[] {
  return tests.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

function leavesNothing({ app, flags }: RunRecord): void {
  expect(flags.clean_teardown).toBe(true);
  expect(app?.residue).toBe(0);
  expect(app?.witnesses?.planted).toBeGreaterThanOrEqual(5);
  expect(app?.witnesses?.intact).toBe(app?.witnesses?.planted);
}
