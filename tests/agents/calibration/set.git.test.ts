// The cases for calibrating judges: their labels are true, and nothing that the judge sees gives the answer away.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseOpening, planOf, setUpCase } from '../../../agents/calibration/case.ts';
import { type CalibrationCase, calibrationSet } from '../../../agents/calibration/set.ts';
import { fenceOf } from '../../../agents/text/fence.ts';
import { readReport } from '../../../runner/run/report.ts';
import { tempDir } from '../../support/temp.ts';

const { cases } = calibrationSet();

/** Writes the claim's tree to a folder, and returns that folder. */
function tree({ base, claim }: CalibrationCase): string {
  const dir = tempDir();
  for (const [path, text] of Object.entries({ ...base, ...claim.files })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

function node(dir: string, args: string[]) {
  return spawnSync(process.execPath, args, { cwd: dir, env: { HOME: dir }, encoding: 'utf8' });
}

describe('the calibration set', () => {
  it('has at least six bad claims of different kinds, and as many good ones', () => {
    const [good, bad] = (['good', 'bad'] as const).map((truth) => cases.filter((one) => one.truth === truth));
    expect(good).toHaveLength(bad?.length ?? 0);
    expect(bad?.length).toBeGreaterThanOrEqual(6);
    expect(new Set(bad?.map(({ kind }) => kind)).size).toBe(bad?.length);
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s: the passing tests are exactly those listed', (_, one) => {
    const dir = tree(one);
    const { status } = node(dir, ['--test', '--test-reporter=junit', '--test-reporter-destination=report.xml']);
    expect(status).toBe(0);
    const report = readReport(readFileSync(join(dir, 'report.xml')), 'test', dir);
    if ('unreadable' in report) throw new Error(report.unreadable);
    expect(report.tests.map(({ status: how }) => how)).toEqual(one.claim.tests.map(() => 'pass'));
    const names = report.tests.map(({ id }) => id.slice(id.lastIndexOf(' > ') + 3));
    expect(names).toEqual(one.claim.tests);
  });

  it.each(cases.map((one) => [one.name, one.truth, one] as const))(
    '%s: its proof shows that the claim is %s',
    (_, truth, one) => {
      const dir = tree(one);
      writeFileSync(join(dir, 'proof.mjs'), one.proof);
      expect(node(dir, ['proof.mjs'])).toMatchObject({ status: truth === 'good' ? 0 : 1, stderr: '' });
    },
  );

  it.each(cases.map((one) => [one.name, one] as const))(
    '%s: the judge sees the plan, the claim and the diff, but not the answer',
    async (name, one) => {
      const laid = await setUpCase(one, join(tempDir(), 'hub.git'));
      const opening = caseOpening(laid, fenceOf('5eed5eed5eed'), 5);
      expect(opening).toContain(planOf(one));
      expect(opening).toContain(one.claim.says);
      for (const path of Object.keys(one.claim.files)) expect(opening).toContain(`diff --git a/${path} b/${path}`);
      expect(laid.review.diff).toMatchObject({ parts: [{ within: null }] });
      for (const word of [one.kind, one.proof, name, 'calibrat']) expect(opening).not.toContain(word);
    },
  );

  it('gets a different digest when its wording changes', () => {
    expect(calibrationSet().digest).toMatch(/^[0-9a-f]{64}$/);
    expect(calibrationSet().digest).toBe(calibrationSet().digest);
  });
});
