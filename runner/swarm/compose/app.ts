// Builds an app from the texts of its files in two steps, because compose files name further files: `readCompose` lists
// what to read, `admitApp` returns the app. Pure: open.ts reads the files.

import type { AdmittedApp, AdmittedService, RunNames } from '../app/app.ts';
import { refuse } from '../app/refused.ts';
import { abraExports } from './abraSh.ts';
import { backupPlan } from './backupPlan.ts';
import type { ConfigDraft } from './declared.ts';
import { composeDocument, type DeployGround } from './document.ts';
import { type EnvSample, envSample } from './envSample.ts';
import { composeFile, type FileDraft } from './file.ts';
import type { Variables } from './interpolate.ts';
import { mergeFiles } from './merge.ts';
import type { ServiceDraft } from './service.ts';

export const configBytesMax = 1000 * 1024 - 1;
const secretLengthDefault = 32;
const filesMax = 100;
const countMax = 60;

export type Texts = { compose: { file: string; text: string }[]; envSample: string | null; abraSh: string | null };
export type AppRequest = { names: RunNames; env: Record<string, string>; main: string } & DeployGround;
export type ComposeDrafts = {
  drafts: FileDraft[];
  variables: Variables;
  sample: EnvSample;
  wanted: { at: string; path: string }[];
};

/** Throws AppRefused. */
export function readCompose(texts: Texts, given: AppRequest): ComposeDrafts {
  const { variables, sample } = runVariables(texts, given);
  const drafts = texts.compose.map(({ file, text }) => composeFile(text, file, variables, given));
  const envFiles = drafts.flatMap(({ services }) => [...services.values()].flatMap((service) => service.envFiles));
  const configs = drafts.flatMap(({ configs }) => [...configs.values()].map(({ at, file }) => ({ at, path: file })));
  const wanted = [...envFiles, ...configs];
  if (wanted.length > filesMax)
    refuse(texts.compose[0]?.file ?? '', '', `it names more than ${filesMax} files`, 'name fewer');
  return { drafts, variables, sample, wanted };
}

/** `files` has the contents of the `wanted` files, by path. Throws AppRefused. */
export function admitApp(
  { drafts, variables, sample }: ComposeDrafts,
  files: Map<string, Buffer>,
  given: AppRequest,
): AdmittedApp {
  const draft = mergeFiles(drafts.map((draft) => withEnvFiles(draft, files, variables)));
  const main = draft.services.get(given.main);
  if (main === undefined)
    return refuse(draft.at, 'services', `there is no service ${given.main}`, 'correct `main` in the recipe');
  const { document, used } = composeDocument(draft, given);
  const volumesOf = ({ mounts }: ServiceDraft) => [...new Set(mounts.map(({ source }) => source))];
  const labelled = [...draft.services].map(
    ([name, service]) =>
      [name, { at: service.at, labels: service.deploy.labels, volumes: volumesOf(service) }] as const,
  );
  const configs = [...used.configs].map(([key, config]) => configOf(key, config, files));
  const secrets = [...used.secrets].map(([key, { name, versionVariable }]) => {
    return { key, name, length: sample.lengths.get(versionVariable) ?? secretLengthDefault };
  });
  const sections = { configs, secrets, volumes: used.volumes, services: [...draft.services] };
  for (const [section, { length }] of Object.entries(sections))
    if (length > countMax) refuse(draft.at, section, `more than ${countMax} ${section}`, 'split the app');
  unique(draft.at, configs);
  unique(draft.at, secrets);
  return {
    stack: given.stack,
    version: versionOf(main.deploy.labels, given.stack),
    main: given.main,
    services: Object.fromEntries(
      [...draft.services].map(([name, service]) => [name, serviceOf(service, volumesOf(service))]),
    ),
    volumes: used.volumes,
    configs,
    secrets,
    env: Object.fromEntries(variables.values),
    backup: backupPlan(new Map(labelled)),
    document,
  };
}

function runVariables(texts: Texts, { stack, names, env }: AppRequest): { variables: Variables; sample: EnvSample } {
  const forced = new Map([
    ['STACK_NAME', stack],
    ['DOMAIN', names.domain],
    // No run may request a certificate.
    ['LETS_ENCRYPT_ENV', ''],
  ]);
  // These values count as if somebody had written them into `.env.sample`.
  const given = new Map([...Object.entries(env), ...forced]);
  const sample = envSample(texts.envSample ?? '', '.env.sample', given);
  const exports = [...abraExports(texts.abraSh ?? '', 'abra.sh')].map(([name, { value }]) => [name, value] as const);
  const values = new Map([...sample.values, ...Object.entries(env), ...exports, ...forced]);
  return { variables: { values, commentedAt: sample.commentedAt }, sample };
}

/**
 * Adds the variables of each env file; those under `environment` win. A name without a value gets the run's value, if
 * any.
 */
function withEnvFiles(draft: FileDraft, files: Map<string, Buffer>, { values }: Variables): FileDraft {
  const services = [...draft.services].map(([name, service]) => {
    const lines = service.envFiles.flatMap(({ at, path }) => envFileLines(textOf(files.get(path), path), path, at));
    const environment = new Map([...lines, ...service.environment]);
    for (const [key, value] of environment) environment.set(key, value ?? values.get(key) ?? null);
    return [name, { ...service, environment }] as const;
  });
  return { ...draft, services: new Map(services) };
}

/** Reads an env file as docker does: quotes and variables are kept as written. */
function envFileLines(text: string, path: string, at: string): [string, string | null][] {
  const lines = text.split(/\r?\n/).map((line) => line.trimStart());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([^\s=]+)(?:=([^\p{Cc}]*))?$/u.exec(line);
      if (match === null) return refuse(at, '', `${path} has a line that is not a variable`, 'write NAME=value');
      return [match[1] as string, match[2] ?? null];
    });
}

function configOf(key: string, config: ConfigDraft, files: Map<string, Buffer>): AdmittedApp['configs'][number] {
  const { at, name, file, isTemplate } = config;
  const bytes = files.get(file) ?? Buffer.alloc(0);
  if (bytes.length < 1 || bytes.length > configBytesMax)
    refuse(at, `configs.${key}`, `${file} has ${bytes.length} bytes`, `a config may have 1 to ${configBytesMax}`);
  return { name, bytes, template: isTemplate };
}

function serviceOf({ plain, deploy }: ServiceDraft, volumes: string[]): AdmittedService {
  const check = plain.healthcheck as { test?: unknown; disable?: boolean } | undefined;
  const test = check?.test;
  const isNone = test === 'NONE' || (Array.isArray(test) && (test.length === 0 || test[0] === 'NONE'));
  const replicas = typeof deploy.plain.replicas === 'number' ? deploy.plain.replicas : 1;
  return {
    image: plain.image as string,
    replicas,
    hasHealthcheck: test !== undefined && !isNone && check?.disable !== true,
    volumes,
  };
}

// If the labels are written as a map, docker does not resolve the variable in a label's name.
export function versionOf(labels: ReadonlyMap<string, string>, stack: string): string | null {
  return labels.get(`coop-cloud.${stack}.version`) ?? labels.get(`coop-cloud.\${STACK_NAME}.version`) ?? null;
}

function unique(at: string, objects: { name: string }[]): void {
  const names = objects.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(at, '', `the name ${twice} is used twice`, 'rename one');
}

export function textOf(bytes: Buffer | undefined, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? Buffer.alloc(0));
  } catch {
    return refuse(file, '', 'not valid UTF-8', 'convert it to UTF-8');
  }
}
