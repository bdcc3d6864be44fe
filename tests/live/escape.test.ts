// Agents and test code that try to break out, in one phase of the real loop. They look for keys, the hub, each other's
// clones, root, network and processes; they plant files that make git run or read something else, and put links and
// fifos wherever the supervisor reads or writes. Canaries outside reveal whether anything there was read, run or
// written. The same attempts then run outside a box and must find everything, which proves that the tests can fail.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunRecord } from '../../state/entry/record.ts';
import { describeBoxed, isRoot } from '../support/box.ts';
import {
  auditOf,
  calls,
  claimOf,
  committed,
  fixtures,
  type Ground,
  layGround,
  type Played,
  plainGit,
  play,
  scriptOf,
  wake,
} from '../support/phase/live.ts';

const phaseMs = 300_000;
const fixture = (name: string) => readFileSync(join(fixtures, 'escape', name), 'utf8');

describeBoxed('code that agents and claims run', () => {
  let dir: string;
  let outside: string;
  let ground: Ground;
  let played: Played;
  let server: Server;
  let visits = 0;
  let victim: ChildProcess;
  const canary = (name: string) => `CANARY-${name}-${randomBytes(8).toString('hex')}`;
  const canaries = { file: canary('file'), env: canary('env'), net: canary('net') };

  beforeAll(async () => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-escape-')));
    outside = join(realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-outside-'))), 'open');
    layOutside(outside, canaries.file);
    server = createServer((_, response) => {
      visits += 1;
      response.end(canaries.net);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    victim = spawn('sleep', ['600'], { env: { CANARY: canaries.env }, stdio: 'ignore' });
    const laid = {
      'coldpass.yml': fixture('coldpass.yml'),
      'attempts.sh': fixture('attempts.sh'),
      'plant.sh': fixture('plant.sh'),
    };
    ground = await layGround({ dir, plan: fixture('plan.md'), files: { ...laid, 'tools/run.sh': 'exit 0\n' } });
    played = await play(
      ground,
      scriptOf({ builder: [wake('^- M1: unclaimed', builderTurns())], adversary: adversaryWakes() }),
    );
  }, phaseMs);

  afterAll(() => {
    victim.kill('SIGKILL');
    server.close();
    for (const folder of [dir, join(outside, '..')]) rmSync(folder, { recursive: true, force: true });
  });

  test('finds no key, hub, clone, log, root, network or process, and no secret gets into a result or run', async () => {
    const results = played.calls.map(({ text }) => text).join('\n');
    const runs = filesIn(ground.paths.runs);
    expect(results.match(/^tried all as /gm)).toHaveLength(2);
    expect(runs).toMatch(/tried all as /);
    expect(`${results}${runs}`).not.toMatch(/escaped: /);
    const secrets = await secretsNow();
    expect(
      Object.entries(secrets)
        .filter(([, secret]) => results.includes(secret))
        .map(([name]) => name),
    ).toEqual([]);
    expect(
      Object.entries(secrets)
        .filter(([, secret]) => runs.includes(secret))
        .map(([name]) => name),
    ).toEqual([]);
    expect(visits).toBe(0);
    expect(victim).toMatchObject({ exitCode: null, signalCode: null });
  });

  test('writes nothing outside, whatever hooks, filters, configuration, links and fifos it plants', () => {
    expect(readdirSync(outside).sort()).toEqual(['report.xml', 'secret.txt']);
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toContain(canaries.file);
    expect(played.said('shell').filter((text) => text.includes('planted'))).toHaveLength(1);
    expect(plainGit(ground.paths.hub, ['fsck', '--no-dangling'])).toBe('');
  });

  test('cannot make `read` or `edit` follow a link or hang on a fifo', () => {
    const tried = played.calls.filter(({ role, tool }) => role === 'builder' && (tool === 'read' || tool === 'edit'));
    expect(tried).toHaveLength(links.length * 2 + absolute.length);
    expect(tried.filter(({ ok }) => ok)).toEqual([]);
  });

  test('cannot publish escaping links, submodules or another repository, but can publish sound work', () => {
    const [gitfile, absoluteLink, relativeLink, gitlink, good] = played.said('publish');
    expect(gitfile).toMatch(/git could not make a bundle/);
    expect(absoluteLink).toMatch(/^refused: .*link/);
    expect(relativeLink).toMatch(/^refused: .*link/);
    expect(gitlink).toMatch(/^refused: .*(submodule|gitlink)/);
    expect(good).toMatch(/^published: phase\/adder is at [0-9a-f]{40}$/);
    const kept = plainGit(ground.paths.hub, ['ls-tree', '-r', 'phase/adder']);
    expect(kept).not.toMatch(/^160000|away/m);
  });

  test('cannot make the supervisor read a report that is a link or a fifo', () => {
    const [link, fifo] = played.said('try');
    expect(link).toMatch(/^r-[0-9a-f]{12}: FAIL, /);
    expect(fifo).toMatch(/^r-[0-9a-f]{12}: FAIL, /);
    expect(recordsOf('trial').map(({ tests }) => tests)).toEqual([[], [], []]);
  });

  test("cannot shadow the operator's files: a link in a file's place is replaced, one on its path is refused", () => {
    expect(played.said('try')[2]).toMatch(/REFUSED.*harness item "tools\/run\.sh" is below "tools"/);
    const [run] = recordsOf('gate');
    expect(run).toMatchObject({ outcome: 'PASS', overlaid: ['run-tests.sh'] });
    expect(run?.tests.map(({ id, status }) => [id, status])).toContainEqual(['tests/z.test.sh > holds', 'pass']);
    expect(filesIn(ground.paths.runs)).not.toContain('EVIL RAN');
  });

  test('cannot redirect or suppress a reproducer: if a link is in its place, the reproducer is still red', () => {
    expect(played.said('finding')[0]).toMatch(/Its reproducer is red/);
    expect(recordsOf('reproducer')).toMatchObject([{ reproducer: 'red' }]);
  });

  test('leaves a trail that the audit accepts', async () => {
    expect(played.end).toMatchObject({ status: 'parked', exit: 3 });
    expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
  });

  test('finds each of these secrets if it runs outside a box', async () => {
    const args = [join(fixtures, 'escape', 'attempts.sh'), ...where()];
    const output = await new Promise<string>((resolve) => execFile('sh', args, (_error, stdout) => resolve(stdout)));
    const missed = Object.entries(await secretsNow()).filter(([, secret]) => !output.includes(secret));
    expect(missed.map(([name]) => name)).toEqual([]);
    expect(visits).toBeGreaterThan(0);
  });

  function where(): string[] {
    const { port } = server.address() as AddressInfo;
    return [ground.paths.stateDir, ground.operatorKey, outside, `${port}`, `${victim.pid}`];
  }

  function builderTurns(): unknown[] {
    const { stateDir } = ground.paths;
    const attempt = `sh attempts.sh ${where().join(' ')} harm`;
    const plantLinks = [
      `ln -s ${outside}/secret.txt link; ln -s ${outside} folder; ln -s /etc/shadow shadow; mkfifo pipe`,
      `ln -s ${stateDir}/keys keys; printf 'CANARY-%s' clone > private.txt; mkdir -p .git/info; echo private.txt >> .git/info/exclude`,
    ].join('\n');
    const inHand = links.flatMap((path) => [
      { tool: 'read', input: { path } },
      { tool: 'edit', input: { path, text: 'ran' } },
    ]);
    const unmake = `rm ${links.filter((path) => !path.includes('/')).join(' ')} folder keys`;
    const away = (link: string) => committed('bad', `git reset -q --hard HEAD; ${link}`);
    const back = calls('shell', { command: 'git reset -q --hard HEAD~; git status --short' });
    return [
      calls('shell', { command: attempt, seconds: 60 }),
      calls('shell', { command: plantLinks }),
      { call: [...inHand, ...absolute.map((path) => ({ tool: 'read', input: { path } }))] },
      calls('shell', { command: `${unmake}; sh plant.sh ${stateDir} ${outside}` }),
      calls('shell', { command: `mv .git kept; echo 'gitdir: ${stateDir}/hub.git' > .git` }),
      calls('publish'),
      calls('shell', { command: 'rm .git; mv kept .git' }),
      ...away(`ln -s ${outside} away`),
      back,
      ...away('ln -s ../../away away'),
      back,
      ...away(`git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),away; mkdir -p away`),
      back,
      ...committed('sha', claimFiles(attempt)),
      ...['link', 'fifo', 'behind'].map((recipe) => calls('try', { sha: '{{ sha }}', recipe })),
      claimOf('M1', '{{ sha }}'),
      calls('wait', { why: 'M1 is being judged' }),
    ];
  }

  /** Returns green work whose test code makes every attempt and replaces its own folder with a link. */
  function claimFiles(attempt: string): string {
    return `echo 'echo $(($1 + $2))' > add.sh
cat > tests/z.test.sh <<'END'
[ "$(sh add.sh 2 3)" = 5 ] || exit 1
grep -q EVIL tests/evil.sh || exit 1
${attempt}
rm -rf tests; ln -s ${outside} tests
exit 0
END
cat > tests/report.sh <<'END'
rm -f .junit.xml
if [ $1 = link ]; then ln -s ${outside}/report.xml .junit.xml; else mkfifo .junit.xml; fi
END
echo 'echo EVIL; echo RAN' | tr '\\n' ' ' > tests/evil.sh
ln -sf tests/evil.sh run-tests.sh
rm -r tools; ln -s tests tools`;
  }

  function adversaryWakes(): unknown[] {
    const finding = {
      gate: 'M1',
      claim: '{{ claim:number }}',
      title: 'It may be wrong',
      fix: ['it is right'],
      words: 'It may be wrong.',
      reproducer: { path: 'tests/again.sh', command: 'sh tests/again.sh', content: 'exit 1\n' },
    };
    const look = calls('shell', { command: `sh attempts.sh ${where().join(' ')} harm`, seconds: 60 });
    const wait = calls('wait', { why: 'I cannot tell' });
    return [
      wake('^- #\\d+ of M1', [wait]),
      wake('^Woken: judge', [look, calls('finding', finding), wait], { claim: 'judge: claim #(\\d+) of M1' }),
    ];
  }

  function recordsOf(kind: string): RunRecord[] {
    const runs = played.of('run').filter(({ facts }) => facts.purpose.kind === kind);
    return runs.map(({ facts }) =>
      RunRecord.parse(JSON.parse(readFileSync(join(ground.paths.runs, facts.run, 'results.json'), 'utf8'))),
    );
  }

  /** Returns a line or word of each secret outside the boxes. */
  async function secretsNow(): Promise<Record<string, string>> {
    const { keys, headsLog } = ground.paths;
    const keyLine = (path: string) => readFileSync(path, 'utf8').split('\n')[2] as string;
    return {
      ...canaries,
      clone: 'CANARY-clone',
      operator: keyLine(ground.operatorKey),
      ...Object.fromEntries(
        ['builder', 'adversary', 'runner', 'supervisor'].map((role) => [role, keyLine(join(keys, role))]),
      ),
      heads: readFileSync(headsLog, 'utf8').split('\n')[0] as string,
      hub: plainGit(ground.paths.hub, ['show', 'trail:machine-docs/allowed_signers']).split('\n')[0] as string,
      ...(isRoot && { shadow: readFileSync('/etc/shadow', 'utf8').split('\n')[0] as string }),
    };
  }
});

const links = ['link', 'folder/secret.txt', 'folder/ran-edit', 'shadow', 'pipe', 'keys/builder'];
const absolute = ['/etc/shadow', '../builder.phase', '.git/../../adversary/add.sh'];

/** Creates a folder for all users that no box may see, with a secret and a report that would pass. */
function layOutside(outside: string, secret: string): void {
  mkdirSync(outside);
  chmodSync(join(outside, '..'), 0o755);
  chmodSync(outside, 0o777);
  writeFileSync(join(outside, 'secret.txt'), `${secret}\n`);
  const report = `<testsuites name="x"><testsuite name="x"><testcase name="${secret}"/></testsuite></testsuites>`;
  writeFileSync(join(outside, 'report.xml'), report);
}

/** Returns the text of all plain files below a folder, without following links. */
function filesIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return files.map((item) => readFileSync(join(item.parentPath, item.name), 'utf8')).join('\n');
}
