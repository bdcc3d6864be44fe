import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { challenge } from '../../../operator/runs/challenge.ts';
import { compareRecords } from '../../../operator/runs/compare.ts';
import type { Here } from '../../../operator/workspace/place.ts';
import { describeBoxed } from '../../support/box.ts';
import { ground, nodeConfig, nodeProject, scripted } from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';
import { git } from '../../support/repo.ts';
import { attacked, restore, resultsPath } from '../../support/trail/attack.ts';
import { cloneSteps, forge } from '../../support/trail/forge.ts';
import { failed, passed, record } from '../../support/trail/records.ts';

/** The program `dial` on the machine says which of the project's tests pass. Only this file changes `dial`. */
const dialled = `import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import assert from 'node:assert';
for (const word of execFileSync('dial').toString().trim().split(' ')) {
  const [name, answer] = word.split('=');
  test(name, () => assert.equal(answer, 'yes'));
}
`;

const claims = `
roles:
  builder:
    - name: first work
      when: { contains: 'Woken: work', matches: '^- M1: unclaimed' }
      turns:
        - call:
            - { tool: edit, input: { path: answer.txt, text: "42\\n" } }
            - { tool: shell, input: { command: git add -A && git commit -qm answer } }
        - call: [{ tool: publish }]
          save: { sha: { from: publish, match: '\\b[0-9a-f]{40}\\b' } }
        - call: [{ tool: claim, input: { gate: M1, sha: '{{ sha }}', what: It is there., how: node --test, expected: green } }]
        - call: [{ tool: wait, input: { why: M1 is claimed } }]
    - name: anything else
      turns: [{ say: I have nothing to add. }]
  adversary:
    - name: nothing
      turns: [{ say: I have nothing to say. }]
`;

type Listed = { run: string; entry: number | null; what: string };

/** Returns a phase whose runs are on the trail, and the function `dial`, which sets what the project's tests read. */
async function phase() {
  const config = nodeConfig.replace('tools: [node]', 'tools: [node, dial]');
  const place = ground({ ...nodeProject, 'sum.test.js': dialled, 'coldpass.yml': config });
  const tool = join(place.dir, 'dial');
  const dial = (words: string) => {
    writeFileSync(join(tool, 'dial'), `#!/bin/sh\necho ${words}\n`);
    chmodSync(join(tool, 'dial'), 0o755);
  };
  mkdirSync(tool, { mode: 0o755 });
  dial('one=yes two=yes');
  expect(await place.type(['init', '--tool', `dial=${tool}`])).toMatchObject({ exit: 0 });
  writeFileSync(join(place.repo, 'plan.md'), planText);
  await place.type(['run', 'plan.md'], await scripted(claims));
  const { runs } = JSON.parse((await place.type(['runs', '--json'])).out) as { runs: Listed[] };
  const named = (what: RegExp) => runs.find((one) => what.test(one.what))?.run ?? '';
  return { ...place, dial, runs, named };
}

describeBoxed('coldpass challenge', () => {
  it('reruns each run as the trail pins it, says ALIKE or lists the differences, and records nothing', async () => {
    const { type, runs, named, state, repo, dial } = await phase();
    const head = git(join(state, 'hub.git'), ['rev-parse', 'trail']);
    // It must not matter which files are checked out now.
    writeFileSync(join(repo, 'coldpass.yml'), nodeConfig.replace(/run: node.*/, 'run: "true"'));
    for (const what of [/base commit/, /cold run 1/, /control revert/]) {
      const { run, entry } = runs.find((one) => what.test(one.what)) as Listed;
      const result = await type(['challenge', run]);
      expect(result.out).toMatch(new RegExp(`^ALIKE {2}${run}, .*, 2 tests, each as recorded \\(#${entry}\\)\n$`));
      expect(result.exit).toBe(0);
    }

    dial('two=no three=yes');
    const run = named(/M1, cold run 1/);
    const result = await type(['challenge', run]);
    expect(result.exit).toBe(1);
    expect(result.out).toMatch(new RegExp(`^DIFFERS {2}${run}, M1, cold run 1`));
    expect(result.out).toMatch(/outcome: PASS then, FAIL now\n {2}level: 1 then, 0 now/);
    expect(result.out).toMatch(/1 differ:\n {4}✗ .*two: pass then, fail \(assertion\) now/);
    expect(result.out).toMatch(
      /1 missing now:\n {4}✗ .*one\n {2}1 new now:\n {4}✗ .*three\n {2}0 tests are as recorded/,
    );
    const json = JSON.parse((await type(['challenge', run, '--json'])).out);
    expect(json).toMatchObject({
      exit: 1,
      run,
      comparison: { alike: false, outcome: { recorded: 'PASS', now: 'FAIL' }, differ: [{ recorded: 'pass' }] },
      record: { purpose: { kind: 'trial', by: 'operator' } },
    });
    expect(existsSync(json.logs)).toBe(true);
    expect(git(join(state, 'hub.git'), ['rev-parse', 'trail'])).toBe(head);

    expect((await type(['challenge', json.record.run])).err).toMatch(
      /is not on the trail, and only a run on the trail can be/,
    );
    expect((await type(['challenge', 'M1'])).err).toMatch(/"M1" is not the name of a run/);

    // The rerun is not among the exported statements.
    const exported = await type(['export', '--out', '../statements']);
    expect(exported.out).toMatch(/^phase answer: \d+ runs; M1 FAILED; not claimed yet: DONE\n→ written to /);
    expect(exported.exit).toBe(0);
    const files = readdirSync(join(repo, '..', 'statements', 'answer'));
    expect(files).toContain(`${run}.test-result.json`);
    expect(files).not.toContain(`${json.record.run}.test-result.json`);
    expect(await type(['export', '--out', '../statements'])).toMatchObject({ exit: 2, out: '' });
    expect(await type(['export'])).toMatchObject({ exit: 2, err: expect.stringMatching(/--out <folder>/) });
  }, 300_000);
});

describe('a challenged run', () => {
  const { the } = attacked();

  it('is not rerun if its record does not match the digest in its entry', async () => {
    const { story, honest } = the;
    const steps = cloneSteps(honest);
    const results = resultsPath(story.runs.gate);
    restore(steps, story.ids.gateRun, new RegExp(results), (text) => text.replace('"pass"', '"fail"'));
    await forge(story, steps);
    const place = { paths: { hub: story.hub.dir } } as Here;
    const options = { now: () => new Date(), signal: new AbortController().signal };
    await expect(challenge(place, story.runs.gate, options)).rejects.toThrow(
      new RegExp(`results.json does not match its digest in entry #${story.ids.gateRun}; see: coldpass audit`),
    );
    await expect(challenge(place, 'r-ffffffffffff', options)).rejects.toThrow(/ended LOST and does not count/);
  });

  it('is compared by the results of its tests, not by their times, order or messages', () => {
    const then = record({ tests: [passed('a'), passed('b'), failed('c')] });
    const slower = [failed('c'), passed('b'), { ...passed('a'), ms: 99 }];
    expect(compareRecords(then, record({ tests: slower, reason: 'Otherwise.' }))).toMatchObject({
      alike: true,
      same: 3,
    });
    const crashed = compareRecords(then, record({ tests: [passed('a'), passed('b'), failed('c', 'error')] }));
    expect(crashed).toMatchObject({
      alike: false,
      differ: [{ id: 'c', recorded: 'fail (assertion)', now: 'fail (error)' }],
    });
    expect(compareRecords(then, record({ tests: then.tests, outcome: 'FAIL' })).alike).toBe(false);
    expect(compareRecords(then, record({ tests: then.tests, reproducer: 'red' }))).toMatchObject({
      alike: false,
      reproducer: { recorded: null, now: 'red' },
    });
  });
});
