// `coldpass calibrate --role adversary`: the configured model judges claims whose truth is known, and what it detected, and how
// often it cried wolf, is counted. Kept in the state: a phase may demand a floor. Offline but for the model: no phase, no trail.
//
// Exit: 0 every case was judged · 4 not all were (money, model, or stopped)

import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type CalibrationOptions, calibrate } from '../../agents/calibration/calibrate.ts';
import { type CalibrationSet, calibrationSet } from '../../agents/calibration/set.ts';
import type { Clock } from '../../agents/model/clock.ts';
import type { AgentSetup } from '../../loop/hands/world.ts';
import type { Sandbox } from '../../runner/box/sandbox.ts';
import { unboxed } from '../../runner/box/unboxed.ts';
import { Refused } from '../../state/entry/errors.ts';
import { type Calibration, type JudgedCase, keepCalibration, percent } from '../../state/trail/calibration.ts';
import { lockWorkspace } from '../../state/trail/workspace.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { type Painted, type Screen, styled } from '../terminal/print.ts';
import { agentsFrom } from '../workspace/agents.ts';
import { here } from '../workspace/here.ts';
import type { Asked, Here } from '../workspace/place.ts';
import { sandboxOf } from '../workspace/sandbox.ts';

/** The most that a calibration may cost, where nothing else is said. */
export const calibrationUsdDefault = 10;
const limits = { memoryMb: 1024, processes: 128, diskMb: 256, seconds: 120 };

export type CalibrateOptions = {
  asked: Asked;
  /** Who is calibrated. */
  role: string;
  /** The most that it may cost; null: the default. */
  usd: number | null;
  clock: Clock;
  signal: AbortSignal;
  /** A case was judged. */
  onCase?(judged: JudgedCase): void;
  /** A line for people, before the work begins. */
  onNote?(line: string): void;
  /** In place of what configuration and environment name, and of the set that comes with this version. */
  agent?: AgentSetup;
  set?: CalibrationSet;
};

export type CalibrateReport = {
  exit: Exit;
  calibration: Calibration;
  /** True where a script judged, and no model. */
  scripted: boolean;
  /** Where the result was kept. */
  file: string;
};

/** Judges every case and keeps the result. UsageError, Refused, TrailError or RunnerError: one line with what to do. */
export async function calibrateHere(options: CalibrateOptions): Promise<CalibrateReport> {
  const place = await here(options.asked);
  if (options.role !== 'adversary')
    throw new UsageError(
      `"${options.role}" cannot be calibrated: only a judge can; type: coldpass calibrate --role adversary`,
    );
  const usd = options.usd ?? calibrationUsdDefault;
  if (!(usd > 0)) throw new UsageError('--usd is not an amount above 0; give dollars, as in --usd 5');
  const agent = options.agent ?? agentsFrom(place.config, options.asked.env, options.clock).adversary;
  const set = options.set ?? calibrationSet();
  const lock = lockWorkspace(place.paths.stateDir);
  try {
    const sandbox = await openBoxes(place, options);
    const calibration = await judgeAll(place, { ...options, agent, set, usd }, sandbox).finally(() => sandbox.close());
    keepCalibration(place.paths.calibrations, calibration);
    const exit = calibration.complete ? exits.yes : exits.machine;
    return { exit, calibration, scripted: isScript(agent), file: place.paths.calibrations };
  } finally {
    lock.release();
  }
}

type Given = Pick<CalibrationOptions, 'agent' | 'set' | 'usd' | 'clock' | 'signal' | 'onCase'> & CalibrateOptions;

function judgeAll({ workspace, paths }: Here, given: Given, sandbox: Sandbox): Promise<Calibration> {
  const { agent, set, usd, clock, signal, onCase } = given;
  if (isScript(agent)) given.onNote?.('note: a script judges here, and no model: the figures say nothing of one');
  const state = realpathSync(paths.stateDir);
  return calibrate({
    ...{ agent, set, usd, clock, signal, sandbox, ...(onCase && { onCase }) },
    box: { tools: workspace.grants.tools, limits },
    dirs: { clones: join(state, 'clones', 'calibration'), transcripts: join(state, 'transcripts') },
  });
}

/** Fails closed, as the supervisor does: only a demo's workspace may go without. */
async function openBoxes(place: Here, { onNote }: CalibrateOptions): Promise<Sandbox> {
  const opened = await sandboxOf(place);
  if (opened.sandbox) return opened.sandbox;
  const why = `the sandbox does not hold: ${opened.mend.join('; ')}`;
  if (!place.workspace.demo) throw new Refused(`${why}; see: coldpass doctor`);
  onNote?.(`note: this demo runs without a sandbox; ${why}`);
  return unboxed({ stateDir: place.paths.stateDir });
}

function isScript({ backend }: AgentSetup): boolean {
  return backend.model === 'scripted';
}

/** One case, as soon as it is judged. */
export function sayCase(judged: JudgedCase, { line, paint }: Screen): void {
  line(
    styled`${wordFor(judged, paint)} ${judged.truth.padEnd(4)} ${judged.kind} ${paint.dim(judged.case)}${judged.judged ? '' : ` ${judged.why}`}`,
  );
}

export function sayCalibration({ calibration, scripted, file }: CalibrateReport, { line, paint }: Screen): void {
  const { model, detects, alarms, cases, complete, usd } = calibration;
  const count = (truth: JudgedCase['truth'], isFail: boolean) =>
    cases.filter((one) => one.truth === truth && (!isFail || one.verdict === 'FAIL')).length;
  const who = scripted ? 'a script, no model' : model;
  line(styled`${paint.bold('CALIBRATED')}  the adversary: ${who}, $${usd.toFixed(2)}`);
  line(`detects       ${percent(detects)} (${count('bad', true)} of ${count('bad', false)} bad claims failed)`);
  line(`false alarms  ${percent(alarms)} (${count('good', true)} of ${count('good', false)} good claims failed)`);
  const stamped = cases.filter((one) => one.truth === 'bad' && one.verdict === 'PASS').length;
  line(
    `passed bad    ${stamped}; without PASS or FAIL: ${cases.filter(({ verdict }) => verdict === 'UNVERIFIED' || verdict === 'none').length}`,
  );
  if (!complete) line(styled`${paint.warn('INCOMPLETE')}  not every case was judged, so no plan's floor is met by it`);
  line(styled`${paint.dim(`kept in ${file}`)}`);
}

function wordFor({ truth, verdict, judged }: JudgedCase, paint: Screen['paint']): Painted {
  if (!judged) return paint.warn('not judged ');
  if (truth === 'bad')
    return verdict === 'FAIL'
      ? paint.good('detected   ')
      : paint.bad(verdict === 'PASS' ? 'MISSED     ' : 'unverified ');
  if (verdict === 'PASS') return paint.good('passed     ');
  return verdict === 'FAIL' ? paint.bad('FALSE ALARM') : paint.warn('unverified ');
}
