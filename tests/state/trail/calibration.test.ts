// Calibrations: their rates, when one meets the floor that a plan sets, and how they are stored.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../state/entry/digest.ts';
import { FrontMatter } from '../../../state/entry/spec.ts';
import { readPlan } from '../../../state/plan/plan.ts';
import {
  belowFloor,
  type Judge,
  type JudgedCase,
  keepCalibration,
  rated,
  readCalibrations,
} from '../../../state/trail/calibration.ts';
import { tempDir } from '../../support/temp.ts';

const set = digestOf('set');
const judge: Judge = { role: 'adversary', backend: 'anthropic', model: 'm', prompt: digestOf('prompt') };
const floor = { detects: 0.5, alarms: 0.25 };

function cases(...verdicts: [JudgedCase['truth'], JudgedCase['verdict'], boolean?][]): JudgedCase[] {
  return verdicts.map(([truth, verdict, judged = true], i) => {
    return { case: `case ${i}`, kind: 'k', truth, verdict, judged, why: '', session: null, usd: 0.25 };
  });
}

const fair = cases(
  ['bad', 'FAIL'],
  ['bad', 'PASS'],
  ['good', 'PASS'],
  ['good', 'UNVERIFIED'],
  ['good', 'PASS'],
  ['good', 'FAIL'],
);
const calibration = (list: JudgedCase[], by = judge, of = set) => rated(by, of, '2026-11-21T10:00:00Z', list);

describe('the rates of a calibration', () => {
  it('count a FAIL as detected on a bad claim, and as a false alarm on a good one', () => {
    expect(calibration(fair)).toMatchObject({ detects: 0.5, alarms: 0.25, complete: true, usd: 1.5 });
  });

  it('count neither UNVERIFIED nor a missing verdict as detected', () => {
    expect(calibration(cases(['bad', 'UNVERIFIED'], ['bad', 'none'], ['bad', 'FAIL']))).toMatchObject({
      detects: 1 / 3,
    });
  });

  it('are incomplete if a case was not judged', () => {
    expect(calibration(cases(['bad', 'FAIL'], ['good', 'none', false]))).toMatchObject({ complete: false, detects: 1 });
  });
});

describe('a floor', () => {
  it('is met only by the same model, prompt and set', () => {
    expect(belowFloor(floor, [calibration(fair)], judge, set)).toBeNull();
    for (const other of [
      { ...judge, model: 'n' },
      { ...judge, prompt: set },
      { ...judge, backend: 'cli' },
    ])
      expect(belowFloor(floor, [calibration(fair, other)], judge, set)).toContain('was not calibrated');
    expect(belowFloor(floor, [calibration(fair)], judge, digestOf('other cases'))).toContain('was not calibrated');
    expect(belowFloor(floor, [], judge, set)).toContain('type: coldpass calibrate --role adversary, then resume');
  });

  it('is not met with too few detections, too many alarms or an unfinished calibration', () => {
    expect(belowFloor({ ...floor, detects: 0.6 }, [calibration(fair)], judge, set)).toContain('m detected 50 %');
    expect(belowFloor({ ...floor, alarms: 0.2 }, [calibration(fair)], judge, set)).toContain('with 25 % false alarms');
    const broken = calibration([...fair, ...cases(['bad', 'none', false])]);
    expect(belowFloor({ detects: 0, alarms: 1 }, [broken], judge, set)).toContain('broken off');
  });

  it('is compared with the newest calibration', () => {
    const better = calibration(cases(['bad', 'FAIL'], ['good', 'PASS']));
    const worse = calibration(cases(['bad', 'PASS'], ['good', 'FAIL']));
    expect(belowFloor(floor, [worse, better], judge, set)).toBeNull();
    expect(belowFloor(floor, [better, worse], judge, set)).toContain('detected 0 %');
  });

  it('is set in a plan, between 0 and 1', () => {
    const gates = { M1: { recipe: 'unit', covers: ['2.1'] } };
    expect(FrontMatter.parse({ phase: 'x', gates, calibration: { detects: 0.8 } }).calibration).toEqual({
      detects: 0.8,
      alarms: 1,
    });
    const text = (rest: string) =>
      `---\nphase: x\ngates: { M1: { recipe: unit, covers: ["2.1"] } }\ncalibration: ${rest}\n---\n# Plan: x\n`;
    const problems = (rest: string) => {
      const read = readPlan(text(rest));
      return 'problems' in read ? read.problems.map(({ what, fix }) => `${what}; ${fix}`).join('\n') : '';
    };
    expect(problems('{ detects: 80 }')).toContain('calibration.detects');
    expect(problems('{ finds: 0.8, detects: 0.8 }')).toContain(
      'calibration.finds is unknown; remove it, or change it to one of detects, alarms',
    );
    expect(problems('{}')).toContain('as in `detects: 0.8`');
    expect(problems('{ detects: 0 }')).toContain('calibration demands nothing; raise detects, or remove it');
  });
});

describe('the file of calibrations', () => {
  it('keeps the newest calibration of each judge and set', () => {
    const path = join(tempDir(), 'calibration.json');
    expect(readCalibrations(path)).toEqual([]);
    const [first, second, other] = [
      calibration(fair),
      calibration(cases(['bad', 'FAIL'])),
      calibration(fair, { ...judge, model: 'n' }),
    ];
    for (const one of [first, other, second]) keepCalibration(path, one);
    expect(readCalibrations(path)).toEqual([other, second]);
    expect(readdirSync(join(path, '..'))).toEqual(['calibration.json']);
  });

  it('is named in the error if it is damaged, and the error says what to do', () => {
    const path = join(tempDir(), 'calibration.json');
    writeFileSync(path, '{"v": 1, "calibrations": [{"detects": 1}]}');
    expect(() => readCalibrations(path)).toThrow(
      `${path} cannot be read as calibrations; remove it and calibrate again`,
    );
  });
});
