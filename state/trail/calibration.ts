// How well a judge judges: the results of `coldpass calibrate`, kept in the workspace's state, and the floor that a
// plan may demand. A result counts only for one model of one back end, with one prompt, on one set of cases.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { TrailError } from '../entry/errors.ts';
import { Digest, SessionId } from '../entry/ids.ts';
import type { CalibrationFloor } from '../entry/spec.ts';

const calibrationsMax = 20;
const rate = z.number().min(0).max(1);

/**
 * A `FAIL` is a detection if the claim is bad, a false alarm if it is good. `none`: the session ended without a
 * verdict.
 */
export const JudgedCase = z.strictObject({
  case: z.string(),
  kind: z.string(),
  truth: z.enum(['good', 'bad']),
  verdict: z.enum(['PASS', 'FAIL', 'UNVERIFIED', 'none']),
  /** False if the case was not judged at all: no money left, or no answer from the model. */
  judged: z.boolean(),
  why: z.string(),
  session: SessionId.nullable(),
  usd: z.number().nonnegative(),
});
export type JudgedCase = z.infer<typeof JudgedCase>;

/** The judge that a calibration measures. */
export const Judge = z.strictObject({
  role: z.literal('adversary'),
  backend: z.string(),
  model: z.string(),
  prompt: Digest,
});
export type Judge = z.infer<typeof Judge>;

export const Calibration = z.strictObject({
  ...Judge.shape,
  at: z.string(),
  /** Digest of the cases. */
  set: Digest,
  /** `detects`: the share of bad claims that got a FAIL; `alarms`: the share of good ones. */
  detects: rate,
  alarms: rate,
  /** True if every case was judged; only then can a floor be met. */
  complete: z.boolean(),
  usd: z.number().nonnegative(),
  cases: z.array(JudgedCase),
});
export type Calibration = z.infer<typeof Calibration>;

const CalibrationFile = z.strictObject({ v: z.literal(1), calibrations: z.array(Calibration) });

/** Rates a judge by its cases. */
export function rated(judge: Judge, set: Digest, at: string, cases: JudgedCase[]): Calibration {
  const share = (truth: JudgedCase['truth']) => {
    const of = cases.filter((one) => one.truth === truth);
    return of.length === 0 ? 0 : of.filter((one) => one.verdict === 'FAIL').length / of.length;
  };
  const complete = cases.every((one) => one.judged);
  const usd = cases.reduce((sum, one) => sum + one.usd, 0);
  return { ...judge, at, set, detects: share('bad'), alarms: share('good'), complete, usd, cases };
}

/** Why the newest calibration of exactly this judge on exactly this set does not meet the floor; null if it does. */
export function belowFloor(floor: CalibrationFloor, known: Calibration[], judge: Judge, set: Digest): string | null {
  const demand = `the plan demands that the ${judge.role} detects ${percent(floor.detects)} at least, with ${percent(floor.alarms)} false alarms at most`;
  const how = `type: coldpass calibrate --role ${judge.role}, then resume`;
  const newest = known.findLast((one) => isOf(one, judge) && one.set === set);
  if (!newest)
    return `${demand}, and ${judge.model} was not calibrated with the prompt and cases of this version; ${how}`;
  if (!newest.complete) return `${demand}, and the calibration of ${judge.model} was broken off; ${how}`;
  if (newest.detects >= floor.detects && newest.alarms <= floor.alarms) return null;
  const is = `${judge.model} detected ${percent(newest.detects)}, with ${percent(newest.alarms)} false alarms`;
  return `${demand}; ${is}: configure another model for it and calibrate that, or amend the plan`;
}

/**
 * The workspace's calibrations, oldest first; empty if there is no file. Throws TrailError 'bad-file' if it is
 * unreadable.
 */
export function readCalibrations(path: string): Calibration[] {
  try {
    return CalibrationFile.parse(JSON.parse(readFileSync(path, 'utf8'))).calibrations;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new TrailError('bad-file', `${path} cannot be read as calibrations; remove it and calibrate again`, {
      cause,
    });
  }
}

/**
 * Adds a calibration to the file, in place of an older one of the same judge on the same set. Keeps only the newest
 * calibrations.
 */
export function keepCalibration(path: string, calibration: Calibration): void {
  const others = readCalibrations(path).filter((one) => !(isOf(one, calibration) && one.set === calibration.set));
  const calibrations = [...others, calibration].slice(-calibrationsMax);
  writeFileSync(`${path}.part`, `${JSON.stringify({ v: 1, calibrations }, null, 1)}\n`, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function isOf(one: Judge, judge: Judge): boolean {
  return one.backend === judge.backend && one.model === judge.model && one.prompt === judge.prompt;
}
