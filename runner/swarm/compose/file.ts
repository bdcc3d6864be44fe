// One admitted compose file, before it is merged with others. Pure.

import { refuse } from '../app/refused.ts';
import { configs, type Declared, networks, secrets, volumes } from './declared.ts';
import type { Variables } from './interpolate.ts';
import { type ServiceDraft, serviceDraft } from './service.ts';
import { form, group, named, never, type Reader } from './shape.ts';
import { composeTree, type Group } from './tree.ts';

const servicesMax = 40;
/** Service names have the same form in recipes and in what tests import (`coldpass/app`). */
export const serviceName = /^[a-z0-9][a-z0-9_-]{0,40}$/;

export type FileDraft = Declared & { at: string; version: string | null; services: Map<string, ServiceDraft> };
export type StackPlace = { stack: string; network: string };

const version: Reader<string> = (tree, path) => {
  const written = form(/^\d+(\.\d+)?$/, 'a version of compose files')(tree, path);
  const isText = tree.kind === 'scalar' && typeof tree.value === 'string';
  return isText
    ? written
    : refuse(tree.at, path, 'docker does not accept a number here', `write "${written}", in quotes`);
};

export function composeFile(
  text: string,
  file: string,
  variables: Variables,
  { stack, network }: StackPlace,
): FileDraft {
  const whole = group({
    version,
    name: never('the run names the stack'),
    include: never('name the files in the recipe'),
    services: named(serviceName, (tree, path, at) => serviceDraft(tree, path, at)),
    volumes: volumes(stack),
    networks: networks(stack, network),
    configs: configs(stack),
    secrets: secrets(stack),
  });
  const tree: Group = composeTree(text, file, variables);
  const read = whole(tree, '');
  const services = read.services ?? new Map();
  if (services.size > servicesMax) refuse(tree.at, 'services', `more than ${servicesMax} services`, 'split the app');
  return {
    at: tree.at,
    version: read.version ?? null,
    services,
    volumes: read.volumes ?? new Map(),
    networks: read.networks ?? new Map(),
    configs: read.configs ?? new Map(),
    secrets: read.secrets ?? new Map(),
  };
}
