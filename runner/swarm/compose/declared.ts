// The volumes, networks, configs and secrets that a compose file declares. Pure. All of them belong to the stack and
// have names that start with the stack's name, except the external network `proxy`. An app may not choose drivers or
// their options.

import { refuse, shown } from '../app/refused.ts';
import {
  dropped,
  entriesOf,
  filePath,
  flag,
  form,
  group,
  isNull,
  named,
  never,
  oneOf,
  pairs,
  type Reader,
} from './shape.ts';
import type { ComposeTree } from './tree.ts';

const nameCharsMax = 64;
const key = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,50}$/;
const name = form(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'a name');

export type NetworkDraft = { at: string; isProxy: boolean; isInternal: boolean; isAttachable: boolean };
export type ConfigDraft = { at: string; name: string; file: string; isTemplate: boolean };
/** `versionVariable` is the variable in `.env.sample` whose comment gives the secret's length. */
export type SecretDraft = { at: string; name: string; versionVariable: string };
export type Declared = {
  volumes: Map<string, { at: string }>;
  networks: Map<string, NetworkDraft>;
  configs: Map<string, ConfigDraft>;
  secrets: Map<string, SecretDraft>;
};

const volume = group({
  name,
  labels: dropped(pairs),
  driver: oneOf('local'),
  driver_opts: never('remove them'),
  external: flag,
});

export function volumes(stack: string): Reader<Declared['volumes']> {
  return named(key, (tree, path, at) => {
    const { name, external } = volume(tree, path);
    if (external === true) refuse(at, path, 'an external volume is not allowed', 'remove `external`');
    ownName(name, stack, path, at);
    return { at };
  });
}

const network = group({
  name,
  labels: dropped(pairs),
  driver: oneOf('overlay'),
  driver_opts: never('remove them'),
  ipam: never('remove it'),
  internal: flag,
  attachable: flag,
  external: external,
});

/** `runNetwork` is the full name of the network that replaces `proxy` in this run. */
export function networks(stack: string, runNetwork: string): Reader<Declared['networks']> {
  return named(key, (tree, path, at) => {
    const { name, external, internal, attachable } = network(tree, path);
    const isOutside = external !== undefined && external !== false;
    const draft = { at, isProxy: isOutside, isInternal: internal === true, isAttachable: attachable === true };
    const outside = typeof external === 'string' ? external : (name ?? keyOf(path));
    if (isOutside && outside !== 'proxy')
      refuse(at, path, `the external network ${shown(outside)} is not allowed`, 'only `proxy` is');
    if (isOutside) return draft;
    if (`${stack}_${keyOf(path)}` === runNetwork || keyOf(path) === 'proxy')
      refuse(at, path, 'the network proxy must be external', 'add `external: true`');
    ownName(name, stack, path, at);
    return draft;
  });
}

/** Reads `external`: true, false or, in the older form `external: { name: … }`, the name. */
function external(tree: ComposeTree, path: string): boolean | string {
  if (tree.kind !== 'group') return flag(tree, path);
  return group({ name })(tree, path).name ?? true;
}

const config = group({
  name,
  labels: dropped(pairs),
  file: filePath,
  template_driver: oneOf('golang'),
  external: never("give the config's `file`"),
  content: never('put it into a file'),
  environment: never('put it into a file'),
});

export function configs(stack: string): Reader<Declared['configs']> {
  return named(key, (tree, path, at) => {
    const { name = `${stack}_${keyOf(path)}`, file, template_driver } = config(tree, path);
    if (file === undefined) return refuse(at, path, 'this config has no file', 'add `file:`');
    return { at, name: stackName(name, stack, path, at), file, isTemplate: template_driver !== undefined };
  });
}

const secret = group({
  name,
  labels: dropped(pairs),
  external: external,
  file: never('a file in the repository is not secret; use `external: true` and a name'),
  environment: never('use `external: true` and a name'),
  template_driver: never('remove it'),
  driver: never('remove it'),
});

export function secrets(stack: string): Reader<Declared['secrets']> {
  return named(key, (tree, path, at) => {
    const { name, external } = secret(tree, path);
    if (external === undefined || external === false)
      return refuse(at, path, 'this secret is not external', 'add `external: true`; it is generated for each run');
    const full = typeof external === 'string' ? external : (name ?? keyOf(path));
    const versionVariable = namedIn(tree) ?? `SECRET_${keyOf(path).toUpperCase().replaceAll('-', '_')}_VERSION`;
    return { at, name: stackName(full, stack, path, at), versionVariable };
  });
}

/** The version variable in a secret's name, read before variables are resolved; null if there is none. */
function namedIn(tree: ComposeTree): string | null {
  const name = isNull(tree) ? undefined : entriesOf(tree, '').get('name')?.value;
  return name?.kind === 'scalar' ? (/\bSECRET_\w+_VERSION\b/.exec(name.raw)?.[0] ?? null) : null;
}

/** Refuses any name except the one that docker would choose. */
function ownName(name: string | undefined, stack: string, path: string, at: string): void {
  const own = `${stack}_${keyOf(path)}`;
  if (name !== undefined && name !== own)
    refuse(at, path, `the name ${shown(name)} is not allowed`, "remove it: the stack's name and the key form the name");
}

function stackName(name: string, stack: string, path: string, at: string): string {
  if (!name.startsWith(`${stack}_`) || name.length === stack.length + 1)
    refuse(at, path, `the name ${shown(name)} does not start with the stack's name`, `start it with \${STACK_NAME}_`);
  if (name.length > nameCharsMax)
    refuse(at, path, `${shown(name)} is longer than ${nameCharsMax} characters`, 'shorten it');
  return name;
}

function keyOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
