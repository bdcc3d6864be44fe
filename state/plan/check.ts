// Finds errors and warnings in a plan: checks its text, its front matter and the recipes against each other.

import type { GateId } from '../entry/ids.ts';
import { error, type Problem, warning } from '../entry/problem.ts';
import { isApp, isCommands, type Recipe, rungsOf } from '../entry/recipe.ts';
import { type FrontMatter, type GateSpec, isFit, PhaseSpec } from '../entry/spec.ts';
import type { LineOf } from './front.ts';
import type { TextGate } from './items.ts';
import type { PlanText } from './text.ts';

export function textProblems(plan: PlanText, front: FrontMatter, lineOf: LineOf): Problem[] {
  const problems = [...duplicateClauses(plan.clauses), ...tooMany(plan)];
  if (plan.phase !== null && plan.phase !== front.phase) {
    problems.push(
      warning(
        lineOf(['phase']),
        `the title names phase ${plan.phase}, but the front matter names ${front.phase}`,
        'make them the same',
      ),
    );
  }
  if (front.calibration && front.calibration.detects === 0 && front.calibration.alarms === 1)
    problems.push(warning(lineOf(['calibration']), 'calibration demands nothing', 'raise detects, or remove it'));
  if (plan.clauses.length === 0)
    problems.push(
      warning(null, 'the plan has no numbered requirements', 'add "## 2. Work requirements" with a numbered list'),
    );
  if (plan.dod.length === 0)
    problems.push(warning(null, 'the plan has no Definition of Done', 'add "## 5. Definition of Done" with a list'));
  const covered = new Set(Object.keys(front.gates).flatMap((gate) => front.gates[gate as GateId]?.covers ?? []));
  for (const { id, line } of plan.clauses.filter((clause) => !covered.has(clause.id))) {
    problems.push(warning(line, `no gate but DONE covers requirement ${id}`, `add "${id}" to a gate's covers`));
  }
  return [...problems, ...undeclared(plan.gates, front, lineOf)];
}

function duplicateClauses(clauses: PlanText['clauses']): Problem[] {
  const duplicates = clauses.filter((clause, i) => clauses.findIndex((other) => other.id === clause.id) < i);
  return duplicates.map(({ id, line }) =>
    error(line, `requirement ${id} appears twice`, 'number the sections and items so that no number repeats'),
  );
}

function tooMany({ clauses, dod }: PlanText): Problem[] {
  const fits = PhaseSpec.pick({ clauses: true, dod: true }).safeParse({
    clauses: clauses.map(({ id, text }) => ({ id, text })),
    dod: dod.map(({ id, text }) => ({ id, text })),
  });
  return fits.success
    ? []
    : [
        error(
          clauses[0]?.line ?? null,
          `the plan has ${clauses.length} requirements and ${dod.length} Definition of Done items, too many to check`,
          'split it into two phases',
        ),
      ];
}

function undeclared(gates: TextGate[], front: FrontMatter, lineOf: LineOf): Problem[] {
  const known = Object.keys(front.gates);
  const missing = gates.filter((gate) => !known.includes(gate.id) && gate.id !== 'DONE');
  const silent = gates.length === 0 ? [] : known.filter((id) => !gates.some((gate) => gate.id === id));
  return [
    ...missing.map(({ id, line }) =>
      warning(
        line,
        `the plan describes gate ${id}, but the front matter has no such gate`,
        `add ${id} under gates, or delete the text`,
      ),
    ),
    ...silent.map((id) =>
      warning(lineOf(['gates', id]), `gate ${id} is not described in the plan's Gates section`, 'describe it there'),
    ),
  ];
}

/** One error for each requirement or gate that a gate names but the plan does not define. */
export function gateProblems(plan: PlanText, front: FrontMatter, lineOf: LineOf): Problem[] {
  const clauses = [...plan.clauses, ...plan.dod].map((clause) => clause.id);
  const gates = Object.keys(front.gates);
  return Object.entries(front.gates).flatMap(([name, gate]) => [
    ...unknownOf(
      gate.covers,
      clauses,
      (i) => lineOf(['gates', name, 'covers', i]),
      `gates.${name}.covers names`,
      'requirement',
    ),
    ...unknownOf(
      gate.requires,
      gates,
      (i) => lineOf(['gates', name, 'requires', i]),
      `gates.${name}.requires names`,
      'gate',
    ),
  ]);
}

function unknownOf(
  used: string[],
  known: string[],
  lineAt: (index: number) => number,
  at: string,
  what: string,
): Problem[] {
  const fix =
    known.length === 0
      ? `remove it: no ${what} is defined`
      : `correct it to ${known.length === 1 ? '' : 'one of '}${known.join(', ')}`;
  return used.flatMap((id, i) =>
    known.includes(id) ? [] : [error(lineAt(i), `${at} ${id}, but there is no such ${what}`, fix)],
  );
}

/** One error for each cycle of gates that require each other. */
export function orderProblems(front: FrontMatter, lineOf: LineOf): Problem[] {
  const done = new Set<string>();
  const problems: Problem[] = [];
  const walk = (gate: string, path: string[]): void => {
    if (path.includes(gate)) {
      const cycle = [...path.slice(path.indexOf(gate)), gate].join(' → ');
      problems.push(
        error(
          lineOf(['gates', gate, 'requires']),
          `gates require each other in a cycle: ${cycle}`,
          'remove one of these requires',
        ),
      );
    } else if (!done.has(gate)) {
      for (const next of front.gates[gate as GateId]?.requires ?? []) walk(next, [...path, gate]);
      done.add(gate);
    }
  };
  for (const gate of Object.keys(front.gates)) walk(gate, []);
  return problems;
}

/** Warns if `exempt` has no effect because the gate has no controls. */
export function controlProblems(front: FrontMatter, lineOf: LineOf): Problem[] {
  return Object.entries(front.gates).flatMap(([name, { controls, exempt }]) =>
    exempt.length > 0 && !Array.isArray(controls)
      ? [
          warning(
            lineOf(['gates', name, 'exempt']),
            `gates.${name}.exempt names functions that hollow skips, but the gate has no controls`,
            'remove exempt, or controls.none',
          ),
        ]
      : [],
  );
}

export function recipeProblems(
  front: FrontMatter,
  recipes: Readonly<Record<string, Recipe>>,
  lineOf: LineOf,
): Problem[] {
  const seen = new Set<string>();
  return Object.entries(front.gates).flatMap(([name, gate]) => {
    const recipe = Object.hasOwn(recipes, gate.recipe) ? recipes[gate.recipe] : undefined;
    const line = lineOf(['gates', name, 'recipe']);
    if (!recipe) return [unknownRecipe(name, gate.recipe, Object.keys(recipes), line)];
    const isNew = !seen.has(gate.recipe);
    seen.add(gate.recipe);
    return [
      ...levelProblems(name, gate, recipe, lineOf),
      ...fitProblems(name, gate, recipe, lineOf),
      ...(isNew ? claimCommands(gate.recipe, recipe, line) : []),
    ];
  });
}

/**
 * `harness_from_claim` may name only harness items of recipes that gates use. Items that it does not name come from the
 * operator.
 */
export function harnessProblems(
  front: FrontMatter,
  recipes: Readonly<Record<string, Recipe>>,
  lineOf: LineOf,
): Problem[] {
  const used = Object.values(front.gates).flatMap(({ recipe }) => (Object.hasOwn(recipes, recipe) ? recipe : []));
  const known = used.flatMap((name) => recipes[name]?.harness ?? []);
  return unknownOf(
    front.harness_from_claim,
    [...new Set(known)],
    (i) => lineOf(['harness_from_claim', i]),
    'harness_from_claim names',
    'harness item',
  );
}

function unknownRecipe(gate: string, recipe: string, known: string[], line: number): Problem {
  const others = known.length === 0 ? '' : `use one of ${known.join(', ')}, or `;
  return error(line, `gates.${gate}.recipe: there is no recipe ${recipe}`, `${others}add it to coldpass.yml`);
}

function levelProblems(name: string, gate: GateSpec, recipe: Recipe, lineOf: LineOf): Problem[] {
  const rungs = rungsOf(recipe).length;
  const { level } = gate.expect;
  if (level === undefined) return isApp(recipe) ? [noLevel(name, rungs, lineOf)] : [];
  if (level <= rungs) return [];
  const what = `gates.${name} expects level ${level}, but recipe ${gate.recipe} has only ${rungs} ${rungs === 1 ? 'stage' : 'stages'}`;
  return [error(lineOf(['gates', name, 'expect', 'level']), what, `expect level ${rungs} at most`)];
}

/** The last rung of an app is its lint: an app that fails it reaches a lower level, but its run still passes. */
function noLevel(name: string, rungs: number, lineOf: LineOf): Problem {
  return warning(
    lineOf(['gates', name, 'recipe']),
    `gates.${name} expects no level, so an app that fails its lint passes`,
    `write expect: { level: ${rungs}, flags: [clean_teardown, no_secret_leak] }`,
  );
}

/**
 * Each control must fit the recipe: `hollow` needs functions to empty, and an app has none; `omit-volume` needs a
 * backup from which it leaves a volume out, and only an app has one.
 */
function fitProblems(
  name: string,
  { controls, exempt, recipe: called }: GateSpec,
  recipe: Recipe,
  lineOf: LineOf,
): Problem[] {
  const isOfApp = isApp(recipe);
  const declared = Array.isArray(controls) ? controls : [];
  const unfit = declared.flatMap((control, i) => (isFit(control, isOfApp) ? [] : [{ control, i }]));
  const [what, fix] = isOfApp
    ? [
        `is for commands, but recipe ${called} is for an app`,
        'remove it: an app has published (added automatically), placebo, omit-volume and no-restore',
      ]
    : [
        `is for apps, but recipe ${called} is for commands`,
        'remove it: commands have revert (added automatically), published, placebo and hollow',
      ];
  const problems = unfit.map(({ control, i }) =>
    error(lineOf(['gates', name, 'controls', i]), `gates.${name}.controls names ${control}, which ${what}`, fix),
  );
  if (!isOfApp || exempt.length === 0) return problems;
  const idle = `gates.${name}.exempt names functions that hollow skips, but an app has no hollow`;
  return [...problems, warning(lineOf(['gates', name, 'exempt']), idle, 'remove exempt')];
}

// Commands that take what they run from a file of the claim's tree; for each, the harness item that takes that file
// from the operator instead.
const claimReaders: { command: RegExp; harness: RegExp; source: string; fix: string }[] = [
  {
    command: /(?:^|[;&|(\n])\s*(?:npm|pnpm|yarn|bun)\s+(?:t|test|run|run-script|start|exec)\b/,
    harness: /^package\.json(#scripts)?$/,
    source: "package.json's scripts",
    fix: 'name the binary, such as `node_modules/.bin/vitest run`, or list package.json#scripts under harness',
  },
  {
    command: /(?:^|[;&|(\n])\s*g?make\b/,
    harness: /^(GNUm|M|m)akefile$/,
    source: 'the Makefile',
    fix: 'name the binary, or list Makefile under harness',
  },
  {
    command: /(?:^|[;&|(\n])\s*(?:python3? -m )?(?:tox|nox)\b/,
    harness: /^(tox\.ini|noxfile\.py|pyproject\.toml|setup\.cfg)$/,
    source: 'tox.ini or similar',
    fix: 'name the binary, such as `python3 -m pytest`, or list tox.ini under harness',
  },
];

function claimCommands(name: string, recipe: Recipe, line: number): Problem[] {
  if (!isCommands(recipe)) return [];
  return recipe.stages.flatMap((stage) => {
    const reader = claimReaders.find(
      ({ command, harness }) => command.test(stage.run) && !recipe.harness.some((item) => harness.test(item)),
    );
    return reader
      ? [
          warning(
            line,
            `stage ${stage.name} of recipe ${name} runs commands that a claim can change (${reader.source})`,
            reader.fix,
          ),
        ]
      : [];
  });
}
