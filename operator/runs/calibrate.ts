// `coldpass calibrate --role adversary`: the configured model judges claims whose truth is known. Counts how many bad
// claims it detects and how many false alarms it raises, and keeps the result in the state: a plan may demand a
// minimum. Needs only the model: no phase, no trail.
//
// Exit: 0 every case was judged · 4 some were not (money, model, or stopped)

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
import type { CommandContext, Here } from '../workspace/place.ts';
import { sandboxOf } from '../workspace/sandbox.ts';

/** The most that a calibration may cost by default. */
export const calibrationUsdDefault = 10;
const limits = { memoryMb: 1024, processes: 128, diskMb: 256, seconds: 120 };

export type CalibrateOptions = {
  asked: CommandContext;
  /** The role to calibrate. */
  role: string;
  /** The most that it may cost; null for the default. */
  usd: number | null;
  clock: Clock;
  signal: AbortSignal;
  /** Called after each case. */
  onCase?(judged: JudgedCase): void;
  /** Prints a line before the work starts. */
  onNote?(line: string): void;
  /** `agent` replaces the one from the configuration and environment, `set` the one that comes with this version. */
  agent?: AgentSetup;
  set?: CalibrationSet;
};

export type CalibrateReport = {
  exit: Exit;
  calibration: Calibration;
  /** True if a script judged, not a model. */
  scripted: boolean;
  /** The file with the result. */
  file: string;
};

/** Judges every case and keeps the result. Throws UsageError, Refused, TrailError or RunnerError: one line. */
export async function calibrateHere(options: CalibrateOptions): Promise<CalibrateReport> {
  const place = await here(options.asked);
  if (options.role !== 'adversary')
    throw new UsageError(
      `"${options.role}" cannot be calibrated, only a judge can; type: coldpass calibrate --role adversary`,
    );
  const usd = options.usd ?? calibrationUsdDefault;
  if (!(usd > 0)) throw new UsageError('--usd is not an amount above 0; give dollars, such as --usd 5');
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

type Judging = Pick<CalibrationOptions, 'agent' | 'set' | 'usd' | 'clock' | 'signal' | 'onCase'> & CalibrateOptions;

function judgeAll({ workspace, paths }: Here, judging: Judging, sandbox: Sandbox): Promise<Calibration> {
  const { agent, set, usd, clock, signal, onCase } = judging;
  if (isScript(agent))
    judging.onNote?.('note: a script judges here, not a model, so the figures are not about any model');
  const state = realpathSync(paths.stateDir);
  return calibrate({
    agent,
    set,
    usd,
    clock,
    signal,
    sandbox,
    ...(onCase && { onCase }),
    box: { tools: workspace.grants.tools, limits },
    dirs: { clones: join(state, 'clones', 'calibration'), transcripts: join(state, 'transcripts') },
  });
}

/** Fails closed, like the supervisor: only a demo workspace may run without a sandbox. */
async function openBoxes(place: Here, { onNote }: CalibrateOptions): Promise<Sandbox> {
  const opened = await sandboxOf(place);
  if (opened.sandbox) return opened.sandbox;
  const why = `the sandbox does not work here: ${opened.mend.join('; ')}`;
  if (!place.workspace.demo) throw new Refused(`${why}; see: coldpass doctor`);
  onNote?.(`note: this demo runs without a sandbox; ${why}`);
  return unboxed({ stateDir: place.paths.stateDir });
}

function isScript({ backend }: AgentSetup): boolean {
  return backend.model === 'scripted';
}

/** Prints one case as soon as it is judged. */
export function sayCase(judged: JudgedCase, { line, paint }: Screen): void {
  line(
    styled`${wordFor(judged, paint)} ${judged.truth.padEnd(4)} ${judged.kind} ${paint.dim(judged.case)}${judged.judged ? '' : ` ${judged.why}`}`,
  );
}

export function sayCalibration({ calibration, scripted, file }: CalibrateReport, { line, paint }: Screen): void {
  const { model, detects, alarms, cases, complete, usd } = calibration;
  const count = (truth: JudgedCase['truth'], isFail: boolean) =>
    cases.filter((one) => one.truth === truth && (!isFail || one.verdict === 'FAIL')).length;
  const who = scripted ? 'a script, not a model' : model;
  line(styled`${paint.bold('CALIBRATED')}  the adversary: ${who}, $${usd.toFixed(2)}`);
  line(`detects       ${percent(detects)} (${count('bad', true)} of ${count('bad', false)} bad claims failed)`);
  line(`false alarms  ${percent(alarms)} (${count('good', true)} of ${count('good', false)} good claims failed)`);
  const missed = cases.filter((one) => one.truth === 'bad' && one.verdict === 'PASS').length;
  const undecided = cases.filter(({ verdict }) => verdict === 'UNVERIFIED' || verdict === 'none').length;
  line(`bad passed    ${missed}; neither PASS nor FAIL: ${undecided}`);
  if (!complete) line(styled`${paint.warn('INCOMPLETE')}  not every case was judged, so this meets no plan's floor`);
  line(styled`${paint.dim(`saved in ${file}`)}`);
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
