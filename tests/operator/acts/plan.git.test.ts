import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ground } from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';

describe('coldpass plan', () => {
  it('writes a new plan that passes its own check, and never overwrites it', async () => {
    const { repo, type } = ground();
    const first = await type(['plan', 'new', 'list --json']);
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toMatch(/plan-phase-list-json\.md/);
    expect(readFileSync(join(repo, 'plan-phase-list-json.md'), 'utf8')).toMatch(/recipe: unit/);
    const checked = await type(['plan', 'check', 'plan-phase-list-json.md']);
    expect(checked.out).toMatch(/ok {2}phase list-json, gates .*; type: coldpass run plan-phase-list-json\.md/);
    expect(checked.exit).toBe(0);
    const again = await type(['plan', 'new', 'list --json']);
    expect(again).toMatchObject({ exit: 2, out: '' });
    expect(again.err).toMatch(/already exists; edit it, or choose another title/);
  });

  it('names every mistake in a plan with its line, and exits 1', async () => {
    const { repo, type } = ground();
    writeFileSync(join(repo, 'p.md'), planText.replace('covers: ["2.1"]', 'covers: ["2.9"]').replace('unit', 'nope'));
    const { exit, out } = await type(['plan', 'check', 'p.md']);
    expect(out).toMatch(/error +p\.md:5: .*2\.9/);
    expect(out).toMatch(/error +p\.md:5: .*nope/);
    expect(out).toMatch(/not ready {2}p\.md cannot run yet/);
    expect(exit).toBe(1);
  });

  it('proposes front matter for a plan without one', async () => {
    const { repo, type } = ground();
    writeFileSync(join(repo, 'p.md'), planText.slice(planText.indexOf('# Phase')));
    const { exit, out } = await type(['plan', 'check', 'p.md', '--json']);
    const report = { phase: 'answer', gates: ['M1'], proposed: expect.stringContaining('recipe: unit') };
    expect(JSON.parse(out)).toMatchObject(report);
    const result = await type(['plan', 'check', 'p.md']);
    expect(result.out).toMatch(/not ready {2}p\.md cannot run yet \(its text describes phase answer, gates M1\)/);
    expect(exit).toBe(1);
  });
});
