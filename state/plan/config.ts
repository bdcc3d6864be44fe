// A repository's configuration: `coldpass.yml` in its top folder and standalone recipes in `recipes/<name>/recipe.yml`.
// Strict: an unknown key is refused, with its line. Grants are kept in the state folder, not here.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TrailError } from '../entry/errors.ts';
import type { AgentRole } from '../entry/ids.ts';
import { RecipeName } from '../entry/ids.ts';
import { Recipe } from '../entry/recipe.ts';
import { badFile, readYaml } from './yaml.ts';

export const configFile = 'coldpass.yml';
export const recipesMax = 50;

/** A workspace's name; also the name of its state folder. */
export const WorkspaceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a name is lower-case letters, digits and dashes, 41 at most');

/** USD per million tokens. Missing cache prices default to the highest on any known list: no cost is underestimated. */
export const Prices = z
  .strictObject({
    input: z.number().nonnegative(),
    output: z.number().nonnegative(),
    cacheRead: z.number().nonnegative().optional(),
    cacheWrite5m: z.number().nonnegative().optional(),
    cacheWrite1h: z.number().nonnegative().optional(),
  })
  .transform(({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }) => ({
    input,
    output,
    cacheRead: cacheRead ?? input,
    cacheWrite5m: cacheWrite5m ?? input * 1.25,
    cacheWrite1h: cacheWrite1h ?? input * 2,
  }));
export type Prices = z.infer<typeof Prices>;

/** Limits of one session; the phase's limits are in the plan's `budget`. */
export const SessionLimits = z.strictObject({
  turns: z.number().int().positive().max(1000).optional(),
  /** Output tokens of one answer. */
  answerTokens: z.number().int().positive().optional(),
  /** Input and output tokens of the whole session. */
  tokens: z.number().int().positive().optional(),
  usd: z.number().positive().optional(),
  minutes: z
    .number()
    .positive()
    .max(24 * 60)
    .optional(),
  /** Seconds without output from the model before the call is aborted. */
  idleSeconds: z.number().int().positive().max(3600).optional(),
});
export type SessionLimits = z.infer<typeof SessionLimits>;

const agent = {
  model: z.string().min(1).max(100).optional(),
  /** Any endpoint that speaks the Anthropic Messages API. */
  baseUrl: z.url({ protocol: /^https?$/, message: 'an http or https address is needed' }).optional(),
  limits: SessionLimits.optional(),
};
export const AgentSettings = z.strictObject(agent);
export type AgentSettings = z.infer<typeof AgentSettings>;

export const Config = z.strictObject({
  name: WorkspaceName,
  base: z.string().min(1).max(200).default('main'),
  recipes: z.record(RecipeName, Recipe).default({}),
  agents: z
    .strictObject({
      ...agent,
      /** Prices by model name; they override the prices that Coldpass knows. */
      prices: z.record(z.string(), Prices).default({}),
      builder: AgentSettings.optional(),
      adversary: AgentSettings.optional(),
    })
    .prefault({}),
});
export type Config = z.infer<typeof Config>;

/** Where a configuration is read from: a checkout, or one commit. Paths are relative to the repository's top folder. */
export type ConfigSource = {
  /** The file's text; null if missing. */
  read(path: string): string | null;
  /** Names of the folders in `recipes/`. */
  recipeFolders(): string[];
};

/** The configuration of the checkout in `dir`. Throws TrailError 'bad-file' with one line: `file:line: what; fix`. */
export function readConfig(dir: string): Config {
  return configFrom(checkout(dir));
}

/** The configuration from any source, including standalone recipes. Throws as `readConfig` does. */
export function configFrom(source: ConfigSource): Config {
  const text = source.read(configFile);
  if (text === null) throw badFile(configFile, null, 'not found here', 'run `coldpass init` in the repository');
  const config = readYaml(Config, text, configFile);
  const recipes = { ...config.recipes, ...standalone(source, config) };
  const count = Object.keys(recipes).length;
  if (count === 0)
    throw badFile(
      configFile,
      null,
      'there are no recipes',
      'add one under `recipes:`, or run `coldpass init` for a proposal',
    );
  if (count > recipesMax)
    throw badFile(configFile, null, `${count} recipes are too many`, `keep at most ${recipesMax}`);
  return { ...config, recipes };
}

/** The settings of one role's agent: each key that the role sets, and the shared value of every other key. */
export function agentSettings(config: Config, role: AgentRole): AgentSettings {
  const { builder, adversary, prices: _, ...shared } = config.agents;
  const own = (role === 'builder' ? builder : adversary) ?? {};
  return { ...shared, ...own, limits: { ...shared.limits, ...own.limits } };
}

/** The recipe called `name`. If there is none, throws TrailError 'bad-file', which lists the known names. */
export function recipeNamed(config: Config, name: string): Recipe {
  const recipe = Object.hasOwn(config.recipes, name) ? config.recipes[name as RecipeName] : undefined;
  if (recipe) return recipe;
  const known = Object.keys(config.recipes).join(', ');
  throw badFile(configFile, null, `there is no recipe "${name}"`, `use one of ${known}`);
}

function standalone(source: ConfigSource, config: Config): Record<string, Recipe> {
  const recipes: Record<string, Recipe> = {};
  for (const name of source.recipeFolders()) {
    const file = `recipes/${name}/recipe.yml`;
    const text = source.read(file);
    if (text === null) continue;
    const checked = RecipeName.safeParse(name);
    if (!checked.success)
      throw badFile(
        file,
        null,
        `"${name}" is not a valid recipe name`,
        checked.error.issues[0]?.message ?? 'rename the folder',
      );
    if (Object.hasOwn(config.recipes, name))
      throw badFile(file, null, `recipe "${name}" is also in ${configFile}`, 'keep one of the two');
    recipes[name] = readYaml(Recipe, text, file);
  }
  return recipes;
}

function checkout(dir: string): ConfigSource {
  return {
    read: (path) => readIfThere(dir, path),
    recipeFolders: () => {
      const folder = join(dir, 'recipes');
      if (!existsSync(folder)) return [];
      const inside = readdirSync(folder, { withFileTypes: true });
      return inside
        .filter((item) => item.isDirectory())
        .map((item) => item.name)
        .sort();
    },
  };
}

function readIfThere(dir: string, path: string): string | null {
  try {
    return readFileSync(join(dir, path), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new TrailError('bad-file', `${path}: cannot be read (${code}); make it a readable file`, { cause: error });
  }
}
