import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBoxed } from '../../support/box.ts';
import { scripted, workspace } from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';
import { git } from '../../support/repo.ts';

/** A script in which the Builder claims green work that no test proves, and the Adversary says nothing. */
const vacuous = `
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

describeBoxed('a phase on the command line', () => {
  it('runs until it needs the operator; then status reports where it is, why, and what would move it', async () => {
    const { repo, type, start } = await workspace();
    writeFileSync(join(repo, 'plan.md'), planText);
    const env = await scripted(vacuous);
    const watching = start(['watch']);
    await watching.until(/no phase yet/);
    const ran = await type(['run', 'plan.md'], env);
    expect(ran.out).toMatch(/#1 +you: queue phase answer on [0-9a-f]{12}\n.*#2 +phase answer is open: .*gates M1/);
    expect(ran.out).toMatch(/CLAIM M1 at [0-9a-f]{12}/);
    expect(ran.out).toMatch(/PASS M1, cold run 1 \(claim #\d+\), 1 test/);
    expect(ran.out).toMatch(/(VACUOUS|INCONCLUSIVE) M1, control revert/);
    expect(ran.out).toMatch(/PARKED {2}phase answer needs you; decide, then type: coldpass run\n$/);
    expect(ran.out).toMatch(/→ coldpass resume/);
    expect(ran.err).toBe('');
    expect(ran.exit).toBe(3);

    await watching.until(/PARKED \(\w+\): /);
    watching.child.kill('SIGINT');
    expect(await watching.done).toMatchObject({ exit: 0 });

    const status = await type(['status', '--json']);
    const [phase] = JSON.parse(status.out).phases;
    expect(phase).toMatchObject({ phase: 'answer', status: 'parked', doing: [], claims: 1, spentUsd: 0 });
    expect(phase.gates.map(({ gate, holds }: { gate: string; holds: boolean }) => [gate, holds])).toEqual([
      ['M1', false],
      ['DONE', false],
    ]);
    expect((await type(['status'])).out).toMatch(
      /answer {2}parked: .*\n.*\n {2}M1 .*\n(.*\n)*1 item waiting for you; see: coldpass inbox/,
    );

    const why = await type(['explain', 'm1']);
    expect(why.out).toMatch(/^M1 of answer does not hold at [0-9a-f]{12} \(claim #\d+\)/);
    expect(why.out).toMatch(/yes {4}2 cold runs of exactly that commit.*\n.*PASS M1, cold run 1/);
    expect(why.out).toMatch(/no {5}3 every control bites\n +M1: control revert is/);
    expect(why.exit).toBe(1);

    const result = await type(['trail', 'nothing', '--kind', 'claim']);
    expect(result.exit).toBe(1);
    const claims = JSON.parse((await type(['trail', '--kind', 'claim', '--json'])).out);
    expect(claims).toMatchObject({ more: 0, entries: [{ kind: 'claim', facts: { gate: 'M1' } }] });
    const whole = await type(['trail', '--entry', String(claims.entries[0].id)]);
    expect(whole.out).toMatch(/^## CLAIM M1 @.*\n[\s\S]*It is there\./);
    expect(whole.out).not.toMatch(/<!--/);

    expect((await type(['inbox'])).exit).toBe(3);
    expect((await type(['audit'])).exit).toBe(0);
    expect((await type(['explain', 'M9'])).err).toMatch(/phase answer has no gate M9; its gates are: M1, DONE/);
    expect(git(repo, ['branch', '--list', 'phase/*'])).toBe('');
  }, 300_000);
});
