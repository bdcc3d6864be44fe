import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBoxed } from '../../support/box.ts';
import { nodeConfig, nodeProject, workspace } from '../../support/phase/cli.ts';
import { addCommits, git } from '../../support/repo.ts';

const failing = `import { test } from 'node:test';
import assert from 'node:assert';
test('adds', () => assert.equal(1 + 1, 2));
test('is seven', () => assert.equal(1 + 1, 7));
`;
const hanging = `import { test } from 'node:test';
test('waits', () => new Promise(() => setInterval(() => {}, 1000)));
`;

describeBoxed('coldpass try', () => {
  it('says in words whether tests pass, fail, hang, write no report, or are missing', async () => {
    const config = nodeConfig.replace(
      'agents:',
      `  silent:
    stages: [{ name: test, run: "true", report: .report.xml }]
    tests: ["**/*.test.js"]
  hasty:
    stages:
      - { name: test, run: node --test --test-reporter=junit --test-reporter-destination=.report.xml, seconds: 2, report: .report.xml }
    tests: ["**/*.test.js"]
    tools: [node]
agents:`,
    );
    const { repo, type, state } = await workspace({ ...nodeProject, 'coldpass.yml': config });
    const branch = (name: string, test: string | null) =>
      addCommits(repo, `refs/heads/${name}`, [{ 'sum.test.js': test }], 'main');

    const green = await type(['try', 'unit']);
    expect(green.out).toMatch(/^PASS {2}1 test {2}[\d.]+ s {2}\(recipe unit, commit [0-9a-f]{12}\)\n$/);
    expect(green.exit).toBe(0);

    branch('red', failing);
    const red = await type(['try', 'unit', '--ref', 'red']);
    expect(red.out).toMatch(/^FAIL {2}1 of 2 tests failed/);
    expect(red.out).toMatch(/✗ .*is seven\n {6}.*2 == 7/);
    expect(red.out).toMatch(/→ fix what failed and commit it/);
    expect(red.exit).toBe(1);

    branch('slow', hanging);
    const slow = await type(['try', 'hasty', '--ref', 'slow']);
    expect(slow.out).toMatch(/^TIMEOUT {2}no tests .*\n {2}Stage "test" ran longer than its limit of 2 s/);
    expect(slow.exit).toBe(1);

    const silent = await type(['try', 'silent']);
    expect(silent.out).toMatch(
      /^FAIL {2}no tests .*\n {2}Stage "test" exited with 0, but its report cannot be counted/,
    );
    expect(silent.out).toMatch(/test printed nothing/);
    expect(silent.exit).toBe(1);

    branch('none', null);
    const none = await type(['try', 'unit', '--ref', 'none']);
    expect(none.out).toMatch(/^NO_TESTS {2}no tests /);
    expect(none.exit).toBe(1);

    expect((await type(['runs'])).out.trimEnd().split('\n')).toHaveLength(5);
    expect(git(join(state, 'hub.git'), ['for-each-ref', '--format=%(refname)'])).toBe(
      'refs/heads/main\nrefs/heads/trail',
    );
    const trees = readdirSync(join(state, 'trials')).filter((run) => existsSync(join(state, 'trials', run, 'tree')));
    expect(trees).toEqual([]);
  }, 300_000);

  it('uses the committed state and says so; `coldpass runs NAME` shows the run again', async () => {
    const { repo, type } = await workspace();
    writeFileSync(join(repo, 'sum.test.js'), failing);
    const result = await type(['try', '--json']);
    const { record } = JSON.parse(result.out);
    expect(record).toMatchObject({ outcome: 'PASS', purpose: { kind: 'trial', by: 'operator' } });
    const aloud = await type(['try']);
    expect(aloud.out).toMatch(/^note: 1 changed file is not committed/);
    expect(aloud.exit).toBe(0);
    const shown = await type(['runs', record.run]);
    expect(shown.out).toMatch(/your trial; not on the trail; sandbox bubblewrap; level 1 of 1\nPASS {2}1 test/);
    expect(shown.exit).toBe(0);
  });

  it('is cancelled by one Ctrl-C, cleans up, and exits 4', async () => {
    const place = await workspace();
    addCommits(place.repo, 'refs/heads/slow', [{ 'sum.test.js': hanging }], 'main');
    const running = place.start(['try', '--ref', 'slow', '--json']);
    await underWay(join(place.state, 'trials'));
    running.child.kill('SIGINT');
    const result = await running.done;
    expect(result.exit).toBe(4);
    expect(JSON.parse(result.out).record.outcome).toBe('CANCELLED');
  });
});

/** Resolves once a run in `dir` has created its tree. */
async function underWay(dir: string): Promise<void> {
  const { watch } = await import('node:fs/promises');
  const hasTree = () =>
    existsSync(dir) && readdirSync(dir).some((run) => existsSync(join(dir, run, 'tree', 'sum.test.js')));
  for await (const _ of watch(join(dir, '..'), { recursive: true })) if (hasTree()) return;
}
