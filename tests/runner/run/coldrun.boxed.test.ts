import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RunnerError } from '../../../runner/box/errors.ts';
import { unboxed } from '../../../runner/box/unboxed.ts';
import type { RunProgress } from '../../../runner/run/request.ts';
import { judgeRevert, revertEdits } from '../../../state/controls/revert.ts';
import { Sha } from '../../../state/entry/ids.ts';
import { RunRecord, recordBytesMax } from '../../../state/entry/record.ts';
import { recordBytes } from '../../../state/fold/facts.ts';
import { changedPaths } from '../../../state/git/git.ts';
import { describeBoxed } from '../../support/box.ts';
import {
  altered,
  newRun,
  nodeTest,
  openRuns,
  processesWith,
  project,
  type Runs,
  recipeOf,
  repoOf,
  sharedSandbox,
  testsOf,
} from '../../support/recipes.ts';
import type { Files } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const sandbox = sharedSandbox();

/** Returns a stage that first writes a report in which each of these tests passed, then runs `more`. */
function reporting(tests: string[], more = 'true') {
  const cases = tests.map((name) => `<testcase classname="t" name="${name}"/>`).join('');
  return { ...nodeTest, run: `printf '%s' '<testsuite tests="1">${cases}</testsuite>' > report.xml; ${more}` };
}

describeBoxed('a cold run', () => {
  it('of a project whose tests pass is PASS, with counts, level, and the commit and tree that it saw', async () => {
    const { cold, runsDir } = openRuns(sandbox());
    const repo = repoOf(project);
    const record = await cold({ repo });
    expect(record).toMatchObject({
      outcome: 'PASS',
      reason: '1 test passed.',
      level: 1,
      shas: { main: repo.sha },
      stages: [{ name: 'test', rung: 'pass', exit: 0, tests: { pass: 1, fail: 0, skip: 0 } }],
      tests: [{ id: 'test/sum.test.js > adds', status: 'pass', stage: 'test' }],
      testsCut: false,
      flags: { clean_teardown: true },
      sandbox: { level: 'bubblewrap', selfTest: null },
      artifacts: [{ path: 'report.xml' }],
      overlaid: [],
    });
    expect(record.trees.main).toMatch(/^[0-9a-f]{40}$/);
    const dir = join(runsDir, record.run);
    expect(readdirSync(dir).sort()).toEqual(['intent.json', 'logs', 'results.json']);
    expect(readFileSync(join(dir, 'results.json'))).toEqual(Buffer.from(recordBytes(record)));
    expect(RunRecord.parse(JSON.parse(readFileSync(join(dir, 'results.json'), 'utf8')))).toEqual(record);
  });

  it('sees the tree of the requested commit, whatever was committed after it', async () => {
    const { cold } = openRuns(sandbox());
    const repo = repoOf(project, { 'lib/sum.js': 'export function sum() { return 0; }\n' });
    const [first, second] = repo.shas;
    if (!first || !second) throw new Error('two commits were made');
    const [before, after] = await Promise.all([
      cold({ repo: { ...repo, sha: first } }),
      cold({ repo: { ...repo, sha: second } }),
    ]);
    expect([before.outcome, after.outcome]).toEqual(['PASS', 'FAIL']);
    expect(after.reason).toBe('Stage "test" exited with 1; 1 test fails: test/sum.test.js > adds.');
    expect(after.tests[0]?.failure?.kind).toBe('assertion');
  });

  const early = testsOf({ adds: '' }).replace('import assert', 'process.exit(0);\nimport assert');
  const unisolated = { ...nodeTest, run: `${nodeTest.run} --test-isolation=none` };
  const cases: [string, Files, Record<string, unknown>, string, RegExp][] = [
    ['has no tests', { 'a.txt': '' }, {}, 'NO_TESTS', /no test ran/],
    [
      'says nothing and writes no report',
      project,
      { stages: [{ ...nodeTest, run: 'true' }] },
      'FAIL',
      /report\.xml does not exist/,
    ],
    [
      'declares no report',
      project,
      { stages: [{ name: 'test', run: 'true' }] },
      'NO_TESTS',
      /No stage declares `report:`/,
    ],
    [
      'names a missing command',
      project,
      { stages: [{ ...nodeTest, run: 'no-such-runner' }] },
      'FAIL',
      /a command was not found/,
    ],
    [
      'hangs',
      project,
      { stages: [{ ...nodeTest, run: 'sleep 600', seconds: 1 }] },
      'TIMEOUT',
      /ran longer than its limit of 1 s/,
    ],
    [
      'exits with 0 before its tests',
      { ...project, 'test/sum.test.js': early },
      { stages: [unisolated] },
      'FAIL',
      /its report cannot be counted/,
    ],
    [
      'ends in a file that exits with 0 before its tests',
      { 'package.json': '{"type":"module"}', 'test/a.test.js': early },
      {},
      'NO_TESTS',
      /no test ran/,
    ],
    [
      'has committed a report, and writes none',
      { ...project, 'report.xml': '<testsuite tests="1"><testcase name="a"/></testsuite>' },
      { stages: [{ ...nodeTest, run: 'true' }] },
      'FAIL',
      /report\.xml does not exist/,
    ],
    [
      'cuts its report short',
      project,
      { stages: [{ ...nodeTest, run: "printf '<testsuite>' > report.xml" }] },
      'FAIL',
      /not well-formed/,
    ],
    [
      'makes its report a link out of the tree',
      project,
      { stages: [{ ...nodeTest, run: 'ln -s /etc/passwd report.xml' }] },
      'FAIL',
      /report\.xml is a link, not a file/,
    ],
    [
      'makes its report a link inside the tree',
      project,
      { stages: [reporting(['a'], 'mv report.xml r; ln -s r report.xml')] },
      'FAIL',
      /report\.xml is a link, not a file/,
    ],
    [
      'makes its report a fifo',
      project,
      { stages: [{ ...nodeTest, run: 'mkfifo report.xml' }] },
      'FAIL',
      /report\.xml is a fifo, not a file/,
    ],
    [
      'makes its report a folder',
      project,
      { stages: [{ ...nodeTest, run: 'mkdir report.xml' }] },
      'FAIL',
      /report\.xml is a folder, not a file/,
    ],
    [
      'writes a huge report',
      project,
      { stages: [{ ...nodeTest, run: 'head -c 9000000 /dev/zero > report.xml' }] },
      'FAIL',
      /larger than 8 MB/,
    ],
    [
      'puts its report behind a link out of the tree',
      project,
      { stages: [{ ...nodeTest, run: 'rm -rf out; ln -s /etc out', report: 'out/passwd' }] },
      'FAIL',
      /out\/passwd is behind a link/,
    ],
    [
      'fails in setup',
      project,
      { setup: { name: 'install', run: 'echo no; exit 3' } },
      'FAIL',
      /Stage "install" exited with 3/,
    ],
    ['kills itself', project, { stages: [{ ...nodeTest, run: 'kill -9 $$' }] }, 'FAIL', /was killed by SIGKILL/],
  ];
  it.each(cases)('of a project that %s is red, with the reason', async (_, files, parts, outcome, words) => {
    const { cold } = openRuns(sandbox());
    const record = await cold({ repo: repoOf(files), recipe: recipeOf(parts) });
    expect(record.reason).toMatch(words);
    expect(record.outcome).toBe(outcome);
    expect(record.flags).toEqual({ clean_teardown: true });
  });

  it('stops at the first rung that fails, and keeps its output', async () => {
    const { cold, runsDir } = openRuns(sandbox());
    const stages = [
      { name: 'build', run: 'echo built' },
      { ...nodeTest, run: 'echo no; exit 1' },
      { name: 'lint', run: 'true' },
    ];
    const record = await cold({ repo: repoOf(project), recipe: recipeOf({ stages }) });
    expect(record.level).toBe(1);
    expect(record.stages.map((stage) => [stage.name, stage.rung, stage.exit, stage.log.head])).toEqual([
      ['build', 'pass', 0, 'built\n'],
      ['test', 'fail', 1, 'no\n'],
      ['lint', 'unverified', null, ''],
    ]);
    const logs = join(runsDir, record.run, 'logs');
    expect(readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'))).toEqual(['built\n', 'no\n']);
  });

  it('keeps only the head and tail of a flood of output, with the size and digest of all of it', async () => {
    const { cold, runsDir } = openRuns(sandbox());
    const bytes = 200_000_000;
    const flood = `echo first; head -c ${bytes} /dev/zero | tr '\\0' x; echo; echo last`;
    const record = await cold({ repo: repoOf(project), recipe: recipeOf({ stages: [reporting(['a'], flood)] }) });
    expect(record.outcome).toBe('PASS');
    const hash = createHash('sha256').update('first\n');
    const block = Buffer.alloc(1_000_000, 'x');
    for (let done = 0; done < bytes; done += block.length) hash.update(block);
    const log = record.stages[0]?.log;
    expect(log).toMatchObject({ bytes: bytes + 12, digest: hash.update('\nlast\n').digest('hex') });
    expect(log?.head).toMatch(/^first\nx+$/);
    expect(log?.tail).toMatch(/x\nlast\n$/);
    expect(recordBytes(record).byteLength).toBeLessThan(recordBytesMax);
    expect(lstatSync(join(runsDir, record.run, 'logs', '1-test.log')).size).toBeLessThan(2_000_000);
  });

  it('leaves no process behind, not even one that forked away with setsid', async () => {
    const { cold } = openRuns(sandbox());
    const mark = `4242${process.pid}`;
    const stage = reporting(['a'], `setsid sh -c 'sleep ${mark} & sleep ${mark}' & sleep 0.1`);
    const record = await cold({ repo: repoOf(project), recipe: recipeOf({ stages: [stage] }) });
    expect(record).toMatchObject({ outcome: 'PASS', flags: { clean_teardown: true } });
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
  });

  it('ends every process at once when cancelled, and still tears down', async () => {
    const { cold, runsDir } = openRuns(sandbox());
    const mark = `4343${process.pid}`;
    const cancel = new AbortController();
    const seen: RunProgress[] = [];
    const stage = { ...nodeTest, run: `trap '' TERM INT; setsid sleep ${mark} & echo ready; sleep ${mark}` };
    const record = await cold({
      repo: repoOf(project),
      recipe: recipeOf({ stages: [stage] }),
      signal: cancel.signal,
      onProgress(progress) {
        seen.push(progress);
        if (progress.kind === 'line' && progress.line === 'ready') cancel.abort();
      },
    });
    expect(record).toMatchObject({
      outcome: 'CANCELLED',
      level: 0,
      flags: { clean_teardown: true },
      stages: [{ rung: 'unverified' }],
    });
    expect(seen.map((progress) => progress.kind)).toEqual(['started', 'line']);
    expect(processesWith(`sleep ${mark}`)).toEqual([]);
    expect(existsSync(join(runsDir, record.run, 'tree'))).toBe(false);
  });

  it('runs nothing if it was cancelled before it started', async () => {
    const { cold } = openRuns(sandbox());
    const record = await cold({ repo: repoOf(project), signal: AbortSignal.abort() });
    expect(record).toMatchObject({ outcome: 'CANCELLED', stages: [{ rung: 'unverified', exit: null }] });
  });

  it("uses the operator's runner and scripts, whatever the claim did to them, and lists what differed", async () => {
    const { cold } = openRuns(sandbox());
    const runner = `import { execFileSync } from 'node:child_process';\nexecFileSync('node', ${JSON.stringify(nodeTest.run.split(' ').slice(1))}, { stdio: 'inherit' });\n`;
    const forged =
      "import { writeFileSync } from 'node:fs';\nwriteFileSync('report.xml', '<testsuite tests=\"1\"><testcase name=\"forged\"/></testsuite>');\n";
    const broken = { ...project, 'lib/sum.js': 'export function sum() { return 0; }\n' };
    const claim = {
      ...broken,
      'run-tests.js': forged,
      'package.json': '{"type":"module","scripts":{"check":"node run-tests.js"}}',
      'node.config.js': 'evil',
    };
    const recipe = recipeOf({
      stages: [{ ...nodeTest, run: 'node run-tests.js' }],
      harness: ['run-tests.js', 'package.json#scripts', 'node.config.js'],
    });
    const operator = { 'run-tests.js': runner, 'package.json': '{"scripts":{"check":"node run-tests.js"}}' };
    const repo = repoOf(claim);
    const alone = await cold({ repo, recipe: { ...recipe, harness: [] } });
    expect(alone).toMatchObject({ outcome: 'PASS', tests: [{ id: 'forged' }] });
    const overlaid = await cold({ repo, recipe, operator });
    expect(overlaid).toMatchObject({
      outcome: 'FAIL',
      overlaid: ['run-tests.js', 'node.config.js'],
      tests: [{ id: 'test/sum.test.js > adds', status: 'fail' }],
    });
  });

  it('is refused for an ungranted tool or host, an unknown commit, or an unplaceable harness file', async () => {
    const { cold } = openRuns(sandbox(), { hosts: ['granted.example'] });
    const repo = repoOf({ ...project, conf: { link: '/etc' } });
    const stage = { ...nodeTest, network: ['granted.example', 'other.example'] };
    const unknown = Sha.parse('0123456789'.repeat(4));
    const reasons = await Promise.all([
      cold({ repo, recipe: recipeOf({ tools: ['node', 'python'] }) }),
      cold({ repo, recipe: recipeOf({ stages: [stage] }) }),
      cold({ repo: { ...repo, sha: unknown } }),
      cold({ repo, recipe: recipeOf({ harness: ['conf/passwd'] }), operator: { 'conf/passwd': 'x' } }),
    ]);
    expect(reasons.map((record) => record.outcome)).toEqual(Array(4).fill('REFUSED'));
    expect(reasons.map((record) => record.reason)).toEqual([
      expect.stringContaining('tool folder "python"'),
      expect.stringContaining('network host "other.example"'),
      expect.stringContaining(`no commit ${unknown}`),
      expect.stringContaining('below "conf"'),
    ]);
    expect(readFileSync('/etc/passwd', 'utf8')).not.toBe('x');
  });

  it('of more tests than a record can hold is not PASS; messages and logs are cut before tests are', async () => {
    const { cold } = openRuns(sandbox());
    const write = (count: number, inner: string, end: string) => ({
      ...nodeTest,
      run: `{ echo '<testsuite tests="1">'; seq ${count} | sed 's|.*|<testcase classname="some/file.test.ts" name="a test with a name & of some length"${inner}|; s| & | |'; echo '</testsuite>'; } > report.xml; seq 9999; ${end}`,
    });
    const many = await cold({ repo: repoOf(project), recipe: recipeOf({ stages: [write(9000, '/>', 'true')] }) });
    expect(many).toMatchObject({
      outcome: 'FAIL',
      testsCut: true,
      reason: expect.stringContaining('more tests than a record can hold'),
    });
    expect(many.tests.length).toBeGreaterThan(1000);
    expect(recordBytes(many).byteLength).toBeLessThanOrEqual(recordBytesMax);
    const inner = `><failure message="${'m'.repeat(280)}"/></testcase>`;
    const wordy = await cold({ repo: repoOf(project), recipe: recipeOf({ stages: [write(800, inner, 'exit 1')] }) });
    expect(wordy).toMatchObject({ outcome: 'FAIL', testsCut: false });
    expect(wordy.tests).toHaveLength(800);
    expect(recordBytes(wordy).byteLength).toBeLessThanOrEqual(recordBytesMax);
  });

  it('is LEAK if teardown leaves something, and INFRA if the machinery fails, never FAIL or PASS', async () => {
    const { cold, engine } = openRuns(sandbox());
    const repo = repoOf(project);
    const leaky = altered(engine, {
      destroy: async (run) => ({ leaks: [...(await engine.destroy(run)).leaks, 'A volume is left.'] }),
    });
    const leak = await cold({ repo, engine: leaky });
    expect(leak).toMatchObject({
      outcome: 'LEAK',
      flags: { clean_teardown: false },
      reason: expect.stringContaining('A volume is left.'),
    });
    const full = await cold({ repo, engine: altered(engine, { available: async () => 'The disk is full.' }) });
    expect(full).toMatchObject({ outcome: 'INFRA', reason: 'The disk is full.' });
    const broken = altered(engine, { setup: async () => Promise.reject(new RunnerError('io', 'The disk broke.')) });
    expect(await cold({ repo, engine: broken })).toMatchObject({ outcome: 'INFRA', reason: 'The disk broke.' });
    const missing = await cold({ repo: { hub: join(tempDir(), 'no.git'), sha: repo.sha } });
    expect(missing.outcome).toBe('INFRA');
  });

  it('tears down before it throws an error caused by a bug in our code', async () => {
    const { cold, engine, runsDir } = openRuns(sandbox());
    const run = newRun();
    const buggy = altered(engine, { start: () => Promise.reject(new TypeError('a bug')) });
    await expect(cold({ repo: repoOf(project), run, engine: buggy })).rejects.toThrow('a bug');
    expect(readdirSync(join(runsDir, run))).toEqual(['intent.json']);
  });

  it('writes its intent to disk before it creates anything', async () => {
    const { cold, engine, runsDir } = openRuns(sandbox());
    const run = newRun();
    let intent: unknown = null;
    const watching = altered(engine, {
      setup: async (order, signal) => {
        intent = JSON.parse(readFileSync(join(runsDir, run, 'intent.json'), 'utf8'));
        return engine.setup(order, signal);
      },
    });
    const repo = repoOf(project);
    const { startedAtMs, purpose, recipe } = await cold({ repo, run, engine: watching });
    expect(intent).toEqual({ run, purpose, recipe, shas: { main: repo.sha }, startedAtMs });
    await expect(cold({ repo, run })).rejects.toThrow('EEXIST');
  });
});

describeBoxed('a run and its control', () => {
  const look = 'env | sort; pwd; ls -A; tr "\\0" " " < /proc/$$/cmdline; id -u; hostname; ls -A "$HOME" /tmp';

  it('look the same from inside, and have no .git', async () => {
    const { cold } = openRuns(sandbox());
    const repo = repoOf(project);
    const recipe = recipeOf({
      setup: { name: 'install', run: 'true' },
      stages: [reporting(['a'], look)],
      env: { MODE: 'cold' },
    });
    const run = await cold({ repo, recipe, keepSnapshot: true });
    const control = await cold({
      repo,
      recipe,
      snapshotFrom: run.run,
      edits: [
        { path: 'lib/sum.js', mode: '100644', blob: null },
        { path: 'lib', mode: '100644', blob: null },
      ],
    });
    const seen = run.stages[0]?.log.head ?? '';
    expect(seen).toContain('MODE=cold');
    expect(seen).toContain('\n/tree\n');
    expect(seen).not.toContain('.git');
    expect(control.reason).toBe('1 test passed.');
    expect(control.stages[0]?.log.head).toBe(seen.replace('\nlib\n', '\n'));
  });

  it('share the result of setup, and a later run starts from nothing again', async () => {
    const { cold, engine, runsDir } = openRuns(sandbox());
    const repo = repoOf(project, { 'lib/sum.js': '// other\n' });
    const [first] = repo.shas;
    if (!first) throw new Error('two commits were made');
    const setup = { name: 'install', run: 'od -An -N16 -tx1 /dev/urandom > seed; ln -s seed link; chmod 750 seed' };
    const recipe = recipeOf({ setup, stages: [reporting(['a'], 'cat seed link; stat -c "%a %F" seed link')] });
    const headOf = (record: RunRecord) => record.stages[0]?.log.head;
    const run = await cold({ repo, recipe, keepSnapshot: true });
    const control = await cold({ repo, recipe, snapshotFrom: run.run });
    expect(headOf(control)).toBe(headOf(run));
    expect([run.setup?.name, control.setup]).toEqual(['install', undefined]);
    expect(control.trees).toEqual(run.trees);
    const ofAnotherCommit = await cold({ repo: { ...repo, sha: first }, recipe, snapshotFrom: run.run });
    expect(headOf(ofAnotherCommit)).not.toBe(headOf(run));
    await engine.forget(run.run);
    expect(readdirSync(join(runsDir, run.run)).sort()).toEqual(['intent.json', 'logs', 'results.json']);
    expect(headOf(await cold({ repo, recipe, snapshotFrom: run.run }))).not.toBe(headOf(run));
  });
});

describeBoxed('the control revert, end to end', () => {
  const stub = { ...project, 'lib/mul.js': 'export function mul() { return 0; }\n' };
  const right = 'export function mul(a, b) { return a * b; }\n';
  const importing = "import { mul } from '../lib/mul.js';";

  async function revert({ cold }: Runs, base: Files, change: Files, parts: Record<string, unknown> = {}) {
    const repo = repoOf(base, change);
    const [reference, claim] = repo.shas;
    if (!reference || !claim) throw new Error('two commits were made');
    const recipe = recipeOf(parts);
    const changed = await changedPaths(repo.hub, reference, claim);
    const edits = revertEdits(changed, recipe.tests, recipe.harness);
    const [before, run, control] = await Promise.all([
      cold({ repo: { ...repo, sha: reference }, recipe }),
      cold({ repo, recipe }),
      cold({ repo, recipe, edits }),
    ]);
    const changedTestFiles = changed.map((change) => change.path).filter((path) => path.startsWith('test/'));
    return { control, judged: judgeRevert({ reference: before, claim: run, control, changedTestFiles }) };
  }

  it('BITES if, without the change, the tests fail on an assertion', async () => {
    const { judged } = await revert(openRuns(sandbox()), stub, {
      'lib/mul.js': right,
      'test/mul.test.js': testsOf({ multiplies: 'assert.equal(mul(2, 3), 6);' }, importing),
    });
    expect(judged).toEqual({
      result: 'BITES',
      why: 'Without the change these fail on an assertion: "test/mul.test.js > multiplies".',
    });
  });

  it('is VACUOUS, and names the test, if a test passes without the change', async () => {
    const { judged } = await revert(openRuns(sandbox()), stub, {
      'lib/mul.js': right,
      'test/mul.test.js': testsOf(
        { multiplies: 'assert.equal(mul(2, 3), 6);', 'is there': "assert.equal(typeof mul, 'function');" },
        importing,
      ),
    });
    expect(judged).toMatchObject({ result: 'VACUOUS', why: expect.stringContaining('"test/mul.test.js > is there"') });
  });

  it('is INCONCLUSIVE if the tests cannot load without the change', async () => {
    const { judged, control } = await revert(openRuns(sandbox()), project, {
      'lib/mul.js': right,
      'test/mul.test.js': testsOf({ multiplies: 'assert.equal(mul(2, 3), 6);' }, importing),
    });
    expect(judged).toMatchObject({
      result: 'INCONCLUSIVE',
      why: expect.stringContaining('did not run over the reference'),
    });
    expect(control.tests.map((test) => [test.id, test.failure?.kind])).toContainEqual(['test/mul.test.js', 'error']);
  });

  it('restores files, links, modes and types, and keeps JSON members as the operator has them', async () => {
    const script = '#!/bin/sh\necho ran\n';
    const base: Files = {
      ...project,
      'bin/tool': script,
      'data/one.txt': 'one',
      current: { link: 'data/one.txt' },
      'was-folder/a.txt': 'a',
      'was-file': 'f',
    };
    const change: Files = {
      'bin/tool': null,
      current: 'now a file',
      'was-folder/a.txt': null,
      'was-folder': 'now a file',
      'was-file': null,
      'was-file/b.txt': 'now a folder',
      'package.json': '{"type":"module","name":"claim","scripts":{"go":"evil"}}',
    };
    const look = 'cat bin/tool current was-folder/a.txt was-file package.json; readlink current; ls';
    const recipe = { stages: [reporting(['a'], look)], harness: ['package.json#scripts'] };
    const { control } = await revert(openRuns(sandbox()), base, change, recipe);
    expect(control.reason).toBe('1 test passed.');
    expect(control.stages[0]?.log.head).toBe(
      `${script}oneaf{"name":"sample","type":"module"}data/one.txt\n${['bin', 'current', 'data', 'lib', 'package.json', 'report.xml', 'test', 'was-file', 'was-folder'].join('\n')}\n`,
    );
  });
});

describeBoxed('a reproducer', () => {
  async function reproduce(command: string, recipe = recipeOf()) {
    const { cold } = openRuns(sandbox());
    const bytes = new TextEncoder().encode('laid');
    return cold({ repo: repoOf(project), recipe, reproducer: { path: 'test/repro/case.sh', bytes, command } });
  }

  it.each([
    ['green', 'test "$(cat test/repro/case.sh)" = laid'],
    ['red', 'echo broken; exit 1'],
    ['inconclusive', 'exit 2'],
    ['inconclusive', 'no-such-command'],
  ])('is %s after `%s`, while the run itself is judged by its stages', async (result, command) => {
    const record = await reproduce(command);
    expect(record).toMatchObject({ outcome: 'PASS', reproducer: result, tests: [{ id: 'test/sum.test.js > adds' }] });
  });

  it('has its output in the record', async () => {
    expect((await reproduce('echo seen; exit 1')).reproducerStage).toMatchObject({ exit: 1, log: { head: 'seen\n' } });
  });

  it('is inconclusive if a stage before it fails', async () => {
    const record = await reproduce('exit 1', recipeOf({ stages: [{ ...nodeTest, run: 'exit 1' }] }));
    expect(record).toMatchObject({ outcome: 'FAIL', reproducer: 'inconclusive' });
    expect(record.reproducerStage).toBeUndefined();
  });
});

it('a run without a sandbox is marked as such in its record', async () => {
  const bare = unboxed({ stateDir: tempDir() });
  const { cold } = openRuns(bare);
  const record = await cold({
    repo: repoOf(project),
    recipe: recipeOf({ setup: { name: 'install', run: 'true' } }),
    keepSnapshot: true,
  });
  expect(record).toMatchObject({
    outcome: 'PASS',
    sandbox: { level: 'none', uid: 'shared' },
    tests: [{ id: 'test/sum.test.js > adds' }],
  });
});
