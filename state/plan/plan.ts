// A plan: Markdown for people, with front matter that binds each gate to code. `readPlan` returns its spec, or its
// problems in words; `checkPlan` also checks it against the recipes. The plan's bytes are pinned elsewhere, by digest.

import type { PhaseId } from '../entry/ids.ts';
import { error, type Problem } from '../entry/problem.ts';
import type { Recipe } from '../entry/recipe.ts';
import { type FrontMatter, PhaseSpec } from '../entry/spec.ts';
import { unfitCharacter } from '../entry/words.ts';
import {
  controlProblems,
  gateProblems,
  harnessProblems,
  orderProblems,
  recipeProblems,
  textProblems,
} from './check.ts';
import { proposeFrontMatter } from './draft.ts';
import { readFront, splitPlan } from './front.ts';
import { type PlanText, readPlanText } from './text.ts';

export type { Problem } from '../entry/problem.ts';
export { newPlan, proposeFrontMatter } from './draft.ts';

export const planBytesMax = 256 * 1024;
const unfitLinesMax = 5;

export type PlanCheck = {
  /** Null if there is an error. */
  spec: PhaseSpec | null;
  /** Sorted by line. */
  problems: Problem[];
  /** Only if the plan has no front matter: a proposal for it (`proposed`); the phase and gates in its text (`told`). */
  proposed?: string;
  told?: { phase: PhaseId | null; gates: string[] };
};

/**
 * The spec of a plan without errors. For a plan with errors: its problems, warnings included, and proposed front matter
 * if it has none.
 */
export function readPlan(text: string): { spec: PhaseSpec } | Omit<PlanCheck, 'spec'> {
  const { spec, ...rest } = checkPlan(text);
  return spec ? { spec } : rest;
}

/** All errors and warnings about a plan. Without `recipes`, recipes are not checked. */
export function checkPlan(text: string, recipes?: Readonly<Record<string, Recipe>>): PlanCheck {
  const bytes = Buffer.byteLength(text);
  if (bytes > planBytesMax)
    return failed([error(null, `the plan has ${bytes} bytes, over ${planBytesMax}`, 'shorten it')]);
  const lines = text.split(/\r?\n/);
  const unfit = unfitLines(lines);
  const parted = splitPlan(lines);
  if (parted.problem) return failed([...unfit, parted.problem]);
  if (parted.front === null) return withoutFront(text, unfit, Object.keys(recipes ?? {}));
  const read = readFront(parted.front, parted.frontLine);
  if ('problems' in read) return failed([...unfit, ...read.problems]);
  const plan = readPlanText(parted.text, parted.textLine);
  const problems = [
    ...unfit,
    ...textProblems(plan, read.front, read.lineOf),
    ...gateProblems(plan, read.front, read.lineOf),
    ...orderProblems(read.front, read.lineOf),
    ...controlProblems(read.front, read.lineOf),
    ...(recipes ? recipeProblems(read.front, recipes, read.lineOf) : []),
    ...(recipes ? harnessProblems(read.front, recipes, read.lineOf) : []),
  ];
  return problems.some((one) => one.level === 'error')
    ? failed(problems)
    : { spec: specOf(read.front, plan), problems: inOrder(problems) };
}

function failed(problems: Problem[]): PlanCheck {
  return { spec: null, problems: inOrder(problems) };
}

function withoutFront(text: string, unfit: Problem[], recipeNames: string[]): PlanCheck {
  const missing = error(
    1,
    'the plan has no front matter, so no gate is bound to code',
    'put the proposed front matter before its first line, and check it',
  );
  const { phase, gates } = readPlanText(text.split(/\r?\n/), 1);
  return {
    ...failed([...unfit, missing]),
    proposed: proposeFrontMatter(text, recipeNames),
    told: { phase, gates: gates.map(({ id }) => id) },
  };
}

function inOrder(problems: Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function specOf(front: FrontMatter, { title, clauses, dod }: PlanText): PhaseSpec {
  const plain = ({ id, text }: { id: string; text: string }) => ({ id, text });
  return PhaseSpec.parse({ ...front, title, clauses: clauses.map(plain), dod: dod.map(plain) });
}

/** Agents read the plan, so characters that hide or disguise text are errors. */
function unfitLines(lines: string[]): Problem[] {
  const problems = lines.flatMap((line, i) => {
    const character = unfitCharacter(line);
    return character ? [error(i + 1, `there is ${character.name} at column ${character.index + 1}`, 'remove it')] : [];
  });
  return problems.slice(0, unfitLinesMax);
}
