// What is wrong, or doubtful, between a plan's text, its front matter and the recipes.

import type { GateId } from '../entry/ids.ts';
import { error, type Problem, warning } from '../entry/problem.ts';
import { isApp, isCommands, type Recipe, rungsOf } from '../entry/recipe.ts';
import { type FrontMatter, type GateSpec, isFit, PhaseSpec } from '../entry/spec.ts';
import type { LineOf } from './front.ts';
import type { TextGate } from './items.ts';
import type { PlanText } from './text.ts';

export function textProblems(found: PlanText, front: FrontMatter, lineOf: LineOf): Problem[] {
  const problems = [...doubled(found.clauses), ...tooMany(found)];
  if (found.phase !== null && found.phase !== front.phase) {
    problems.push(
      warning(
        lineOf(['phase']),
        `the title says phase ${found.phase}, the front matter ${front.phase}`,
        'make them the same',
      ),
    );
  }
  if (front.calibration && front.calibration.detects === 0 && front.calibration.alarms === 1)
    problems.push(warning(lineOf(['calibration']), 'calibration demands nothing', 'raise detects, or remove it'));
  if (found.clauses.length === 0)
    problems.push(
      warning(null, 'the plan has no numbered requirements', 'add "## 2. Work requirements" with a numbered list'),
    );
  if (found.dod.length === 0)
    problems.push(warning(null, 'the plan has no Definition of Done', 'add "## 5. Definition of Done" with a list'));
  const covered = new Set(Object.keys(front.gates).flatMap((gate) => front.gates[gate as GateId]?.covers ?? []));
  for (const { id, line } of found.clauses.filter((clause) => !covered.has(clause.id))) {
    problems.push(
      warning(line, `requirement ${id} is covered by no gate, only by DONE`, `add "${id}" to a gate's covers`),
    );
  }
  return [...problems, ...undeclared(found.gates, front, lineOf)];
}

function doubled(clauses: PlanText['clauses']): Problem[] {
  const again = clauses.filter((clause, i) => clauses.findIndex((other) => other.id === clause.id) < i);
  return again.map(({ id, line }) =>
    error(line, `requirement ${id} is there twice`, 'number the sections and items so that each is there once'),
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
          `the plan has ${clauses.length} requirements and ${dod.length} lines of its Definition of Done, more than can be checked`,
          'make it two phases',
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
        `gate ${id} is described, but the front matter has no such gate`,
        `add ${id} under gates, or drop the text`,
      ),
    ),
    ...silent.map((id) =>
      warning(
        lineOf(['gates', id]),
        `gate ${id} is not described in the plan's Gates section`,
        'say there what it means',
      ),
    ),
  ];
}

/** What gates name must be there. */
export function gateProblems(found: PlanText, front: FrontMatter, lineOf: LineOf): Problem[] {
  const clauses = [...found.clauses, ...found.dod].map((clause) => clause.id);
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
  const have =
    known.length === 0 ? `there is no ${what}` : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return used.flatMap((id, i) =>
    known.includes(id) ? [] : [error(lineAt(i), `${at} ${id}, and there is no such ${what}`, `correct it: ${have}`)],
  );
}

/** One problem for each circle of `requires`. */
export function orderProblems(front: FrontMatter, lineOf: LineOf): Problem[] {
  const done = new Set<string>();
  const problems: Problem[] = [];
  const walk = (gate: string, way: string[]): void => {
    if (way.includes(gate)) {
      const circle = [...way.slice(way.indexOf(gate)), gate].join(' → ');
      problems.push(
        error(
          lineOf(['gates', gate, 'requires']),
          `gates require each other in a circle: ${circle}`,
          'drop one of these requires',
        ),
      );
    } else if (!done.has(gate)) {
      for (const next of front.gates[gate as GateId]?.requires ?? []) walk(next, [...way, gate]);
      done.add(gate);
    }
  };
  for (const gate of Object.keys(front.gates)) walk(gate, []);
  return problems;
}

/** What a gate says of its controls must be of use. */
export function controlProblems(front: FrontMatter, lineOf: LineOf): Problem[] {
  return Object.entries(front.gates).flatMap(([name, { controls, exempt }]) =>
    exempt.length > 0 && !Array.isArray(controls)
      ? [
          warning(
            lineOf(['gates', name, 'exempt']),
            `gates.${name}.exempt names functions that hollow leaves alone, and the gate has no controls`,
            'remove exempt, or the none of controls',
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
  const told = new Set<string>();
  return Object.entries(front.gates).flatMap(([name, gate]) => {
    const recipe = Object.hasOwn(recipes, gate.recipe) ? recipes[gate.recipe] : undefined;
    const line = lineOf(['gates', name, 'recipe']);
    if (!recipe) return [unknownRecipe(name, gate.recipe, Object.keys(recipes), line)];
    const isNew = !told.has(gate.recipe);
    told.add(gate.recipe);
    return [
      ...levelProblems(name, gate, recipe, lineOf),
      ...fitProblems(name, gate, recipe, lineOf),
      ...(isNew ? claimsCommands(gate.recipe, recipe, line) : []),
    ];
  });
}

/** What is to be taken from the claim must be the operator's first. */
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
  const what = `gates.${name} expects level ${level}, and recipe ${gate.recipe} has ${rungs} ${rungs === 1 ? 'stage' : 'stages'}`;
  return [error(lineOf(['gates', name, 'expect', 'level']), what, `expect level ${rungs} at most`)];
}

/** The last rung of an app is its lint, which lowers the level and does not fail the run. */
function noLevel(name: string, rungs: number, lineOf: LineOf): Problem {
  return warning(
    lineOf(['gates', name, 'recipe']),
    `gates.${name} expects no level, so an app that fails its lint passes`,
    `write expect: { level: ${rungs}, flags: [clean_teardown, no_secret_leak] }`,
  );
}

/** Controls that the recipe can have: of an app nothing is emptied, and only an app has a backup to leave volumes out of. */
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
    ? ['is of commands, and', 'remove it: an app has published (added by itself), placebo, omit-volume and no-restore']
    : ['is of apps, and', 'remove it: commands have revert (added by itself), published, placebo and hollow'];
  const problems = unfit.map(({ control, i }) =>
    error(
      lineOf(['gates', name, 'controls', i]),
      `gates.${name}.controls names ${control}, which ${what} recipe ${called} is not`,
      fix,
    ),
  );
  if (!isOfApp || exempt.length === 0) return problems;
  const idle = `gates.${name}.exempt names functions that hollow leaves alone, and an app has no hollow`;
  return [...problems, warning(lineOf(['gates', name, 'exempt']), idle, 'remove exempt')];
}

// What a command takes from the tree it runs in, and the harness item that makes it the operator's instead.
const readsTheClaim: { command: RegExp; harness: RegExp; says: string; instead: string }[] = [
  {
    command: /(?:^|[;&|(\n])\s*(?:npm|pnpm|yarn|bun)\s+(?:t|test|run|run-script|start|exec)\b/,
    harness: /^package\.json(#scripts)?$/,
    says: "package.json's scripts",
    instead: 'name the binary, such as `node_modules/.bin/vitest run`, or list package.json#scripts under harness',
  },
  {
    command: /(?:^|[;&|(\n])\s*g?make\b/,
    harness: /^(GNUm|M|m)akefile$/,
    says: 'the Makefile',
    instead: 'name the binary, or list Makefile under harness',
  },
  {
    command: /(?:^|[;&|(\n])\s*(?:python3? -m )?(?:tox|nox)\b/,
    harness: /^(tox\.ini|noxfile\.py|pyproject\.toml|setup\.cfg)$/,
    says: 'tox.ini or its like',
    instead: 'name the binary, such as `python3 -m pytest`, or list tox.ini under harness',
  },
];

function claimsCommands(name: string, recipe: Recipe, line: number): Problem[] {
  if (!isCommands(recipe)) return [];
  return recipe.stages.flatMap((stage) => {
    const found = readsTheClaim.find(
      ({ command, harness }) => command.test(stage.run) && !recipe.harness.some((item) => harness.test(item)),
    );
    return found
      ? [
          warning(
            line,
            `stage ${stage.name} of recipe ${name} runs what the claim's own files say (${found.says})`,
            found.instead,
          ),
        ]
      : [];
  });
}
