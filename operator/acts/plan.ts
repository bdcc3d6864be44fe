// `coldpass plan new` starts a plan; `coldpass plan check` checks one against the configuration.

import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PhaseId } from '../../state/entry/ids.ts';
import type { Problem } from '../../state/entry/problem.ts';
import { checkPlan, newPlan } from '../../state/plan/plan.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { type Screen, styled } from '../terminal/print.ts';
import { readHere } from '../workspace/here.ts';
import type { CommandContext } from '../workspace/place.ts';
import { planBytes, problemLine } from './queue.ts';

export type NewPlanReport = { exit: Exit; file: string; phase: PhaseId };
export type PlanCheckReport = {
  /** 0 if the plan is ready to run (perhaps with warnings), 1 if not. */
  exit: Exit;
  file: string;
  /** The phase named in the front matter or, without front matter, in the text. */
  phase: PhaseId | null;
  gates: string[];
  problems: Problem[];
  proposed: string | null;
};

/** Writes `plan-phase-<id>.md` in the current folder. Throws UsageError if it exists. */
export async function planNew(asked: CommandContext, title: string): Promise<NewPlanReport> {
  const { repository, config } = await readHere(asked);
  const recipe = Object.keys(config.recipes)[0] ?? 'unit';
  const { phase, file, text } = newPlan({ title, recipe, base: config.base });
  const path = join(asked.dir, file);
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new UsageError(`${file} already exists; edit it, or choose another title`, { cause });
  }
  if (repository.owner) chownSync(path, repository.owner.uid, repository.owner.gid);
  return { exit: exits.yes, file, phase };
}

/** Throws UsageError if the file cannot be read. */
export async function planCheck(asked: CommandContext, file: string): Promise<PlanCheckReport> {
  const { config } = await readHere(asked);
  const text = planBytes(asked.dir, file).toString('utf8');
  const { spec, problems, proposed, told: outline } = checkPlan(text, config.recipes);
  return {
    exit: spec ? exits.yes : exits.no,
    file,
    phase: spec?.phase ?? outline?.phase ?? null,
    problems,
    gates: spec ? Object.keys(spec.gates) : (outline?.gates ?? []),
    proposed: proposed ?? null,
  };
}

export function sayPlanMade({ file }: NewPlanReport, out: Screen): void {
  out.line(styled`${out.paint.good('wrote')}   ${file}; fill it in, then type: coldpass plan check ${file}`);
}

export function sayPlanChecked({ exit, file, phase, gates, problems, proposed }: PlanCheckReport, out: Screen): void {
  const { paint } = out;
  for (const problem of problems) {
    const mark = problem.level === 'error' ? paint.bad('error  ') : paint.warn('warning');
    out.line(styled`${mark} ${problemLine(file, problem)}`);
  }
  if (proposed !== null) out.line(`\n${proposed}`);
  if (exit === exits.yes)
    out.line(styled`${paint.good('ok')}  phase ${phase ?? ''}, gates ${gates.join(', ')}; type: coldpass run ${file}`);
  else {
    const outline =
      phase === null && gates.length === 0
        ? ''
        : ` (its text describes phase ${phase ?? '?'}, gates ${gates.join(', ') || 'none'})`;
    out.line(styled`${paint.bad('not ready')}  ${file} cannot run yet${outline}`);
  }
}
