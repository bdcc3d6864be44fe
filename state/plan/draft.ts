// Drafts for a new plan: a whole plan from a title, and proposed front matter for a plan that has none.

import { Refused } from '../entry/errors.ts';
import { GateId, PhaseId } from '../entry/ids.ts';
import { fitLine, unfitLine } from '../entry/words.ts';
import { splitPlan } from './front.ts';
import type { TextGate } from './items.ts';
import { type PlanText, readPlanText } from './text.ts';

const idCharsMax = 41;
const titleCharsMax = 200;

export type NewPlan = { phase: PhaseId; file: string; text: string };

/**
 * A whole plan for `title` that passes the check as it is. Throws Refused if the title cannot be used, or if no phase
 * id can be made from it.
 */
export function newPlan({ title, recipe, base }: { title: string; recipe: string; base: string }): NewPlan {
  const problem = /[\n\r\t]/.test(title) ? 'has a line break' : unfitLine(title);
  if (problem) throw new Refused(`the title ${problem}`);
  const name = title.trim();
  if (name.length > titleCharsMax)
    throw new Refused(`the title has ${name.length} characters, over ${titleCharsMax}: shorten it`);
  const phase = PhaseId.safeParse(slug(name));
  if (!phase.success)
    throw new Refused('the title needs a Latin letter or a digit, because the phase id is made from it');
  return { phase: phase.data, file: `plan-phase-${phase.data}.md`, text: draft(phase.data, name, recipe, base) };
}

/** Front matter for a plan that has none, with its two `---` lines; comments in it say that it is a guess. */
export function proposeFrontMatter(text: string, recipeNames: readonly string[]): string {
  const { text: lines, textLine } = splitPlan(text.split(/\r?\n/));
  const plan = readPlanText(lines, textLine);
  const phase = plan.phase ?? (PhaseId.safeParse(slug(plan.title)).data || 'my-phase');
  const recipe = recipeNames.find((name) => name === phase) ?? recipeNames[0] ?? 'my-recipe';
  const gates = plan.gates.filter((gate) => GateId.safeParse(gate.id).success && gate.id !== 'DONE');
  const all = gates.length > 0 ? gates : [{ id: 'M1', text: '', line: 0 }];
  return [
    '---',
    '# A proposal, guessed from the text below: check every line before you queue the plan.',
    `phase: ${quoted(phase)}`,
    'base: main                      # the branch or commit that the work starts from',
    'gates:',
    ...all.flatMap((gate, i) => gateLines(gate, all[i - 1], i === all.length - 1, recipe, plan)),
    `# recipes: ${recipeNames.length === 0 ? 'none yet; add one to coldpass.yml' : recipeNames.join(', ')}`,
    'budget: { usd: 20, hours: 8, claims: 12 }',
    '---',
    '',
  ].join('\n');
}

function gateLines(
  gate: TextGate,
  before: TextGate | undefined,
  isLast: boolean,
  recipe: string,
  plan: PlanText,
): string[] {
  const clauses = plan.clauses.length > 0 ? plan.clauses : plan.dod;
  const ids = clauses.map((clause) => clause.id);
  const named = ids.filter((id) => new RegExp(`(?<![\\d.])${id.replace('.', '\\.')}(?![\\d]|\\.\\d)`).test(gate.text));
  const guess = isLast || named.length === 0 ? ids : named;
  const covers = guess.length > 0 ? guess : ['2.1'];
  const why =
    guess.length === 0
      ? 'number the requirements first'
      : guess === named
        ? 'the ones its text names'
        : 'all of them: remove those it does not prove';
  return [
    `  ${quoted(gate.id)}:${gate.text === '' ? '' : `                           # ${fitLine(gate.text, 60)}`}`,
    `    recipe: ${quoted(recipe)}`,
    `    covers: [${covers.map((id) => JSON.stringify(id)).join(', ')}]   # ${why}`,
    ...(before ? [`    requires: [${quoted(before.id)}]`] : []),
  ];
}

function slug(title: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+/, '').slice(0, idCharsMax).replace(/-+$/, '');
}

/** Quotes `text` unless YAML surely reads it as text: some unquoted words (`no`, `12`) mean something else. */
function quoted(text: string): string {
  return /^[a-z][a-z0-9-]{3,}$|^[A-Z]\d{1,3}$/.test(text) && !/^(true|false|null)$/.test(text)
    ? text
    : JSON.stringify(text);
}

function draft(phase: PhaseId, title: string, recipe: string, base: string): string {
  return `---
phase: ${quoted(phase)}
base: ${quoted(base)}
gates:
  M1:
    recipe: ${quoted(recipe)}
    covers: ["2.1", "2.2", "2.3"]   # the requirements that this gate proves
    # times: 2                      # cold runs that must agree, 1 to 5
    # requires: [M0]                # gates that must hold first
    # controls: [hollow]            # besides revert: emptying any one function must turn tests red
    # expect: { level: 1, pass: ["file > test that must pass"] }
budget: { usd: 20, hours: 8, claims: 12 }
# tests: ["tests/**"]               # may be strengthened, never weakened
# protected: [".ci/**"]             # a claim that touches these needs your approval
# holdout: /full/path               # checks outside the repository that no agent sees
---

# Phase ${phase} — ${title}

**Mission**: ${title}.

<!-- In two or three sentences: what will be true afterwards, and for whom? -->

## 1. Starting facts

<!-- How things are today, with file names: what exists already, what went wrong before, what must not change. -->

- The work starts from \`${base.replaceAll('`', '')}\`, where the recipe \`${recipe}\` is green.

## 2. Work requirements

<!-- One requirement per item, which somebody else could check. Gates list them in covers as "2.1", "2.2", … -->

1. What the Mission asks for works, for ordinary input and for edge cases.
2. Tests prove it: each fails without the change and passes with it.
3. It is documented where the project documents such things.

## 3. Gates

<!-- What the Adversary must verify before a gate holds. For large work, add gates, each requiring the one before. -->

**M1 — It works, and the tests would fail if it did not.** A cold run at the claimed commit is green, and red without
the change. Everything that worked before still works.

## 4. Guardrails (binding)

<!-- What must not happen along the way. -->

- No test is weakened, skipped or removed.
- No secrets in code, commits or logs.

## 5. Definition of Done

- At one commit, the Mission is accomplished and every requirement of section 2 is met.
- All tests that were green before are green at that commit.
`;
}
