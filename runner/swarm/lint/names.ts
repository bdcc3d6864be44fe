// Lint rules about names of configs, secrets and variables. Pure. Configs and secrets need a version in their names,
// because Swarm cannot change either.

import { variablesIn } from '../compose/interpolate.ts';
import {
  type LintGround,
  type LintHit,
  type LintRule,
  membersOf,
  pairsIn,
  scalarsIn,
  subtree,
  written,
} from './ground.ts';

const stackName = String.raw`^\$\{?STACK_NAME\}?_.+_`;
const configName = new RegExp(String.raw`${stackName}\$\{?\w+_VERSION\}?$`);
const secretName = new RegExp(String.raw`${stackName}\$\{?SECRET_\w+_VERSION\}?$`);
/** Variables that the harness, or abra, sets for every app. */
const always = new Set(['STACK_NAME', 'DOMAIN', 'LETS_ENCRYPT_ENV']);

export const nameRules: LintRule[] = [
  {
    id: 'C018',
    severity: 'warning',
    title: 'config names contain a version',
    look: (ground) => unversioned(ground, 'configs', configName, `\${STACK_NAME}_KEY_\${KEY_VERSION}`),
  },
  {
    id: 'C019',
    severity: 'warning',
    title: 'secret names contain a version',
    look: (ground) => unversioned(ground, 'secrets', secretName, `\${STACK_NAME}_KEY_\${SECRET_KEY_VERSION}`),
  },
  {
    id: 'C020',
    severity: 'error',
    title: '.env.sample has every required variable',
    look: (ground) =>
      missing(
        ground,
        ({ isOptional }) => !isOptional,
        (name) => `${name} is not set anywhere`,
      ),
  },
  {
    id: 'C021',
    severity: 'warning',
    title: '.env.sample has every optional variable',
    look: (ground) =>
      missing(
        ground,
        ({ isOptional }) => isOptional,
        (name) => `${name} is not in .env.sample`,
      ),
  },
  {
    id: 'C022',
    severity: 'warning',
    title: 'every variable that abra.sh exports is used',
    look: (ground) => {
      const used = new Set(variablesOf(ground).map(({ name }) => name));
      return [...ground.exports]
        .filter(([name]) => !used.has(name))
        .map(([name, { at }]) => ({ where: at, what: `no compose file uses ${name}`, fix: 'remove it' }));
    },
  },
  {
    id: 'C023',
    severity: 'warning',
    title: 'no key of a `key: value` line contains a variable',
    look: ({ services }) =>
      services
        .flatMap(({ trees }) => trees.flatMap((tree) => [tree, subtree(tree, 'deploy')]))
        .flatMap((tree) => [subtree(tree, 'labels'), subtree(tree, 'environment')])
        .filter((tree) => tree?.kind === 'group')
        .flatMap(pairsIn)
        .filter(({ key }) => key.includes('$'))
        .map(({ key, at }) => ({
          where: at,
          what: `docker resolves no variable in ${key}`,
          fix: 'write - "KEY=value"',
        })),
  },
  {
    id: 'C024',
    severity: 'warning',
    title: 'everything declared is used',
    look: ({ compose, services }) =>
      ['volumes', 'configs', 'secrets'].flatMap((section) => {
        const used = new Set(
          services.flatMap(({ trees }) => trees.flatMap((tree) => sourcesOf(subtree(tree, section)))),
        );
        return compose
          .flatMap(({ tree }) => [...membersOf(tree, section)])
          .filter(([key]) => !used.has(key))
          .map(([key, { at }]) => ({ where: at, what: `no service uses ${key}`, fix: 'remove it' }));
      }),
  },
];

function unversioned({ compose }: LintGround, section: string, form: RegExp, like: string): LintHit[] {
  return compose
    .flatMap(({ tree }) => [...membersOf(tree, section)])
    .filter(([, { value }]) => !form.test(written(subtree(value, 'name')) ?? ''))
    .map(([key, { at, value }]) => ({
      where: subtree(value, 'name')?.at ?? at,
      what: `the name of ${key} has no version, so it can never change`,
      fix: `name it like ${like}`,
    }));
}

type Variable = { name: string; isOptional: boolean; at: string };

/** A name without a value under `environment` is an optional variable. */
function variablesOf({ compose, services }: LintGround): Variable[] {
  const bare = services.flatMap(({ trees }) => trees.flatMap((tree) => pairsIn(subtree(tree, 'environment'))));
  return [
    ...compose
      .flatMap(({ tree }) => scalarsIn(tree))
      .flatMap(({ raw, at }) => variablesIn(raw).map((used) => ({ ...used, at }))),
    ...bare.filter(({ value }) => value === null).map(({ key, at }) => ({ name: key, isOptional: true, at })),
  ];
}

function missing(
  ground: LintGround,
  which: (variable: Variable) => boolean,
  what: (name: string) => string,
): LintHit[] {
  const { sample, exports } = ground;
  const isKnown = (name: string) =>
    always.has(name) || sample.values.has(name) || sample.commentedAt.has(name) || exports.has(name);
  const unknown = variablesOf(ground).filter((variable) => which(variable) && !isKnown(variable.name));
  const first = new Map(unknown.toReversed().map(({ name, at }) => [name, at]));
  return [...first].map(([name, where]) => ({ where, what: what(name), fix: `add ${name}= to .env.sample` }));
}

function sourcesOf(tree: ReturnType<typeof subtree>): string[] {
  if (tree?.kind !== 'list') return [];
  return tree.items.map((item) => written(subtree(item, 'source')) ?? written(item)?.split(':')[0] ?? '');
}
