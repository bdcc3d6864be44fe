// Condition 4 in the real loop: what a claim does to earlier tests, and what only hold-outs see. Each claim here passes
// its own tests, and code turns it red before the Adversary wakes.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeBoxed } from '../support/box.ts';
import {
  adder,
  auditOf,
  calls,
  claimOf,
  committed,
  type Ground,
  layGround,
  type Played,
  play,
  scriptOf,
  wake,
} from '../support/phase/live.ts';

const playMs = 300_000;
const oneGate = readFileSync(join(adder, 'plan-one.md'), 'utf8');
const wait = calls('wait', { why: 'nothing is left to do now' });
const add = `echo '[ $# -eq 2 ] || exit 2; echo $(($1 + $2))' > add.sh
echo '[ "$(sh add.sh 2 3)" = 5 ]' > tests/add.test.sh`;

/** Plays a phase in which the Builder makes one commit with `command`, claims M1 and waits. */
async function claims(ground: Ground, command: string, claim = claimOf('M1', '{{ a }}')): Promise<Played> {
  const turns = [...committed('a', command), claim, wait];
  return play(ground, scriptOf({ builder: [wake('^- M1: unclaimed', turns)] }));
}

/** Returns the results of the claim's runs; also expects that the Adversary was not asked to judge the claim. */
function cameTo({ of, end }: Played): string[] {
  expect(end).toMatchObject({ status: 'parked', exit: 3, sha: null });
  const woken = of('session').filter(({ facts }) => facts.event === 'started' && facts.for === 'adversary');
  expect(woken).toEqual([]);
  return of('run')
    .filter(({ facts }) => 'claim' in facts.purpose)
    .map(({ facts }) => `${facts.purpose.kind} ${facts.kept?.result ?? facts.control?.result ?? facts.outcome}`);
}

describeBoxed('a claim that is green by its own tests', () => {
  test(
    'is red if it breaks what a test of the base checked, even though it removed that test',
    async () => {
      const ground = await layGround({ plan: oneGate });
      const played = await claims(ground, `${add}\nrm sum.sh tests/present.test.sh`);
      expect(cameTo(played)).toEqual(expect.arrayContaining(['gate PASS', 'kept BROKEN']));
      const kept = played.of('run').find(({ facts }) => facts.kept);
      expect(kept?.facts.kept?.why).toMatch(
        /green before and, as they were, are not over this code: .*present\.test\.sh/,
      );
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );

  test(
    'is red if it only dropped a test that would still pass',
    async () => {
      const ground = await layGround({ plan: oneGate });
      const played = await claims(ground, `${add}\nrm tests/present.test.sh`);
      expect(cameTo(played)).toEqual(expect.arrayContaining(['kept BROKEN']));
      const why = played.of('run').find(({ facts }) => facts.kept)?.facts.kept?.why;
      expect(why).toMatch(/were green before and are gone: .*present\.test\.sh/);
    },
    playMs,
  );

  test(
    'is red if its runs do not show what its EXPECTED says',
    async () => {
      const ground = await layGround({ plan: oneGate });
      const claim = calls('claim', {
        gate: 'M1',
        sha: '{{ a }}',
        what: 'It adds.',
        how: 'sh run-tests.sh',
        expected: 'Nine tests pass.',
        expects: { tests: 9 },
      });
      const played = await claims(ground, add, claim);
      expect(cameTo(played)).toEqual(expect.arrayContaining(['gate PASS']));
      const run = played.of('run').find(({ facts }) => facts.purpose.kind === 'gate');
      expect(run?.facts.unmet).toEqual(['by its own EXPECTED 9 tests are asked for, 2 passed']);
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );

  test(
    'is red because of hold-outs that no agent can read; only their class, counts and digests are reported',
    async () => {
      const ground = await layGround();
      const checks = join(ground.dir, 'checks');
      mkdirSync(join(checks, 'tests'), { recursive: true });
      writeFileSync(join(checks, 'tests', 'hidden.test.sh'), 'echo the-secret-check\n[ "$(sh add.sh 20 22)" = 42 ]\n');
      writeFileSync(ground.plan, oneGate.replace(/^tests:/m, `holdout: ${checks}\ntests:`));
      const table = `echo 'echo 5' > add.sh\necho '[ "$(sh add.sh 2 3)" = 5 ]' > tests/add.test.sh`;
      const played = await claims(ground, table);
      expect(cameTo(played)).toEqual(expect.arrayContaining(['gate PASS', 'kept KEPT', 'holdout FAIL']));
      const everything = JSON.stringify([played.entries, played.calls]);
      expect(everything).not.toMatch(/the-secret-check|hidden\.test/);
      const run = played.of('run').find(({ facts }) => facts.purpose.kind === 'holdout');
      expect(run?.facts).toMatchObject({
        counts: { pass: 2, fail: 1 },
        reason: 'FAIL: 2 passed, 1 failed, 0 skipped.',
      });
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true });
    },
    playMs,
  );
});
