import { expect, it } from 'vitest';
import { type ExplainedCondition, type ExplainReport, explain } from '../../../operator/show/explain.ts';
import { sayExplained } from '../../../operator/show/sayExplained.ts';
import { paint, type Screen } from '../../../operator/terminal/print.ts';
import type { Here } from '../../../operator/workspace/place.ts';
import { addCommits, git, makeHub } from '../../support/repo.ts';
import { spoilable } from '../../support/trail/attack.ts';
import { M1, openPhase, openWriter, phaseId } from '../../support/trail/phase.ts';

const { the } = spoilable();

function explainAt(hub: string, gate: string, nowMs: number): Promise<ExplainReport> {
  return explain({ paths: { hub } } as Here, gate, undefined, nowMs);
}

function reportText(report: ExplainReport): string {
  const lines: string[] = [];
  const line = (text: Parameters<Screen['line']>[0]) => void lines.push(typeof text === 'string' ? text : text.text);
  sayExplained(report, { paint: paint(false), line, running() {}, json() {}, close() {} });
  return lines.join('\n');
}

function named(report: ExplainReport, name: string): ExplainedCondition {
  return report.conditions.find((condition) => condition.name === name) as ExplainedCondition;
}

const storyMs = Date.parse('2026-06-11T22:00:00Z');

it('for a gate that holds, shows the entries behind each condition, their places in git, and results', async () => {
  const { hub, ids, runs } = the.story;
  const report = await explainAt(hub.dir, 'm1', storyMs);
  expect(report).toMatchObject({ exit: 0, gate: M1, phase: phaseId, holds: true, claim: { id: ids.again } });
  for (const { id, place, entry } of report.conditions.flatMap(({ evidence }) => evidence)) {
    const text = git(hub.dir, ['show', `${place?.commit}:${place?.path}`]);
    if (entry.kind === 'run') expect(JSON.parse(text).run).toBe(entry.facts.run);
    else expect(text).toMatch(new RegExp(`^## .* #${id}$`, 'm'));
    // The place names the commit that added the entry.
    expect(git(hub.dir, ['log', '-1', '--format=%s', place?.commit ?? ''])).toMatch(new RegExp(`#${id}$`));
  }

  expect(named(report, 'runs').evidence.map(({ entry }) => entry.kind === 'run' && entry.facts.run)).toContain(
    runs.again,
  );
  expect(named(report, 'controls').evidence).toMatchObject([{ entry: { facts: { control: { result: 'BITES' } } } }]);
  const [judging, pass] = named(report, 'verdict').evidence;
  expect(judging).toMatchObject({ entry: { kind: 'session' }, state: expect.stringMatching(/was shown \d runs/) });
  expect(pass).toMatchObject({
    id: ids.pass,
    state: 'this verdict counts',
    checks: [
      {
        clause: '1.1',
        text: 'Write both stores at shutdown.',
        saw: 'both are written',
        cites: [expect.stringMatching(new RegExp(`^${runs.again} \\(#\\d+\\)$`))],
      },
    ],
  });
  expect(named(report, 'findings').evidence).toMatchObject([{ id: ids.finding, state: `closed by #${ids.pass}` }]);

  const text = reportText(report);
  expect(text).toMatch(/^M1 of notes holds at [0-9a-f]{12} \(claim #\d+\)\nyes {4}1 a live claim/);
  expect(text).toMatch(/BITES M1, control revert.*\n +Without the change these fail on an assertion/);
  expect(text).toMatch(
    /M1 PASS by the Adversary.*\n +this verdict counts\n +1\.1 Write both stores at shutdown\.\n +saw: both are written/,
  );
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

it('for a gate that does not hold, shows what is missing, what blocks it, and which act waived what', async () => {
  const ground = await makeHub();
  const writer = await openWriter(ground);
  const { trail, wake, claim, append, act, run } = writer;
  await openPhase(writer);
  const [sha] = addCommits(ground.hub.dir, `refs/heads/phase/${phaseId}`, [{ 'src/x.js': '1\n' }], ground.base);
  const builder = await wake('builder', { kind: 'work' });
  const id = await claim(builder, M1, sha as never);
  await run({ kind: 'gate', claim: id, gate: M1, k: 1 }, sha as never, { outcome: 'FAIL' });
  const critic = await wake('adversary', { kind: 'judge', claim: id });
  const facts = { session: critic, gate: M1, claim: id, title: `It is ${'so '.repeat(40)}wrong`, fix: ['mend it'] };
  const finding = await append({ kind: 'finding', role: 'adversary', phase: phaseId, facts, body: 'See.' });
  const because = 'The machine is broken and I looked myself.';
  const waived = { act: 'waive' as const, phase: phaseId, gate: M1, condition: 'runs' as const, because };
  const waive = await act({ ...waived, until: '2026-06-12T00:00:00Z' });
  await trail.close();

  const report = await explainAt(ground.hub.dir, 'M1', storyMs);
  expect(report).toMatchObject({ exit: 1, holds: false });
  expect(named(report, 'runs')).toMatchObject({ met: true, waived: [waive] });
  expect(named(report, 'runs').evidence.map(({ entry }) => entry.kind)).toEqual(['run', 'act']);
  expect(named(report, 'findings')).toMatchObject({
    met: false,
    evidence: [{ id: finding.id, state: 'open and blocking' }],
  });
  const text = reportText(report);
  expect(text).toMatch(new RegExp(`waived 2 cold runs .*\\(by act #${waive}\\)\n.*FAIL M1, cold run 1`));
  expect(text).toMatch(/no {5}5 the Adversary gave a PASS on this evidence/);
  expect(text).toMatch(
    /no {5}6 no open finding, veto or flake blocks it[\s\S]*FINDING M1[\s\S]*open and blocking\n +fix: mend it/,
  );
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  await expect(explainAt(ground.hub.dir, 'M9', storyMs)).rejects.toThrow(/has no gate M9/);
});
