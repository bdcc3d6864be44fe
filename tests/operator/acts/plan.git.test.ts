import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ground } from '../../support/phase/cli.ts';
import { planText } from '../../support/phase/cliPlan.ts';

describe('coldpass plan', () => {
  it('begins a plan that passes its own check, once', async () => {
    const { repo, type } = ground();
    const made = await type(['plan', 'new', 'list --json']);
    expect(made).toMatchObject({ exit: 0, err: '' });
    expect(made.out).toMatch(/plan-phase-list-json\.md/);
    expect(readFileSync(join(repo, 'plan-phase-list-json.md'), 'utf8')).toMatch(/recipe: unit/);
    const checked = await type(['plan', 'check', 'plan-phase-list-json.md']);
    expect(checked.out).toMatch(/ok {2}phase list-json, gates .*; type: coldpass run plan-phase-list-json\.md/);
    expect(checked.exit).toBe(0);
    const again = await type(['plan', 'new', 'list --json']);
    expect(again).toMatchObject({ exit: 2, out: '' });
    expect(again.err).toMatch(/already exists; edit it, or choose another title/);
  });

  it('names what is wrong with its line, all of it, and says no', async () => {
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
    const told = { phase: 'answer', gates: ['M1'], proposed: expect.stringContaining('recipe: unit') };
    expect(JSON.parse(out)).toMatchObject(told);
    const said = await type(['plan', 'check', 'p.md']);
    expect(said.out).toMatch(/not ready {2}p\.md cannot run yet \(its text describes phase answer, gates M1\)/);
    expect(exit).toBe(1);
  });
});
