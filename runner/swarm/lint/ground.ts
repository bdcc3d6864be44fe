// The input of lint rules: an app's files, parsed without resolving variables, each part with its line. Pure.

import type { Release } from '../../../state/entry/recipe.ts';
import type { AppFacts } from '../../../state/entry/record.ts';
import type { AdmittedApp } from '../app/app.ts';
import { abraExports } from '../compose/abraSh.ts';
import { type EnvSample, envSample } from '../compose/envSample.ts';
import { type ComposeTree, composeTree, type Group, type Scalar, type TreeEntry } from '../compose/tree.ts';

export type LintInput = {
  /**
   * The files by name in the app's folder, as `openApp` returns them; may include overlays that the run does not use.
   */
  files: Record<string, string>;
  app: AdmittedApp;
  /** The releases that the commit descends from. */
  releases: Release[];
  /** The tags of the app that are not annotated. */
  lightweightTags: string[];
  /** The version label of the version under test. */
  headVersion: string | null;
  /** Whether the app's files differ from the newest release. */
  isChanged: boolean;
};

export type LintFinding = AppFacts['lint'][number];
export type LintHit = Omit<LintFinding, 'rule' | 'severity'>;
export type LintRule = {
  id: string;
  severity: LintFinding['severity'];
  title: string;
  look(ground: LintGround): LintHit[];
};

/** `trees` has the service's tree from each file that defines it; `at` is the position of the first. */
export type LintService = { name: string; at: string; trees: Group[] };
export type Pair = { key: string; value: string | null; at: string };
export type LintGround = LintInput & {
  compose: { file: string; tree: Group }[];
  services: LintService[];
  sample: EnvSample;
  exports: ReturnType<typeof abraExports>;
};

const composeName = /(^|\/)(docker-)?compose[^/]*\.ya?ml$/;

/** Throws AppRefused if a file cannot be parsed. */
export function groundOf(input: LintInput): LintGround {
  const texts = Object.entries(input.files).filter(([file]) => composeName.test(file));
  const compose = texts.map(([file, text]) => ({ file, tree: composeTree(text, file, null) }));
  const given = new Map([
    ['STACK_NAME', input.app.stack],
    ['DOMAIN', input.app.env.DOMAIN ?? ''],
  ]);
  const sample = envSample(input.files['.env.sample'] ?? '', '.env.sample', given);
  const exports = abraExports(input.files['abra.sh'] ?? '', 'abra.sh');
  return { ...input, compose, services: servicesOf(compose), sample, exports };
}

function servicesOf(compose: LintGround['compose']): LintService[] {
  const services = new Map<string, LintService>();
  for (const { tree } of compose)
    for (const [name, { at, value }] of membersOf(tree, 'services')) {
      if (value.kind !== 'group') continue;
      const service = services.get(name) ?? { name, at, trees: [] };
      service.trees.push(value);
      services.set(name, service);
    }
  return [...services.values()];
}

/** The entries of the group under `key`; none if it is not a group. */
export function membersOf(tree: ComposeTree | undefined, key: string): Map<string, TreeEntry> {
  const value = subtree(tree, key);
  return value?.kind === 'group' ? value.entries : new Map();
}

export function subtree(tree: ComposeTree | undefined, key: string): ComposeTree | undefined {
  return tree?.kind === 'group' ? tree.entries.get(key)?.value : undefined;
}

/** The pairs of `environment` or `labels`, written as a map or as a list. */
export function pairsIn(tree: ComposeTree | undefined): Pair[] {
  if (tree?.kind === 'group')
    return [...tree.entries].map(([key, { at, value }]) => ({ key, at, value: written(value) }));
  if (tree?.kind !== 'list') return [];
  return tree.items.flatMap((item) => {
    const [, key, value] = /^([^=]+)(?:=([\s\S]*))?$/.exec(written(item) ?? '') ?? [];
    return key === undefined ? [] : [{ key, value: value ?? null, at: item.at }];
  });
}

export function labelsOf({ trees }: LintService): Pair[] {
  return trees.flatMap((tree) => pairsIn(subtree(subtree(tree, 'deploy'), 'labels')));
}

/** The value as written; null if empty, a group or a list. */
export function written(tree: ComposeTree | undefined): string | null {
  return tree?.kind === 'scalar' && tree.value !== null ? tree.raw : null;
}

export function scalarsIn(tree: ComposeTree): Scalar[] {
  if (tree.kind === 'scalar') return [tree];
  return (tree.kind === 'list' ? tree.items : [...tree.entries.values()].map(({ value }) => value)).flatMap(scalarsIn);
}
