// What a service mounts: named volumes, configs and secrets, in docker's short and long forms. Pure. Nothing else can
// be mounted: no host path, no socket, no unnamed volume. document.ts checks that each name is declared.

import { refuse, shown } from '../app/refused.ts';
import { flag, form, group, integer, listOf, never, oneOf, type Reader, text } from './shape.ts';
import type { ComposeTree } from './tree.ts';

export type ServiceMount = { at: string; source: string; target: string; isReadOnly: boolean; isEmpty: boolean };
/** A config or a secret that a service uses. */
export type Grant = { at: string; source: string; target?: string; uid?: string; gid?: string; mode?: number };

// Swarm expands templates in targets, so braces are not allowed.
const insidePath = /^\/[^:{}\p{Cc}]{0,255}$/u;
const target = form(insidePath, 'a path in the container');
const id = form(/^\d{1,10}$/, 'a user or group number');
const grantTarget = form(/^(?!.*(^|\/)\.\.(\/|$))[^:{}\p{Cc}]{1,255}$/u, 'a file name in the container');

const longMount = group({
  type: oneOf('volume'),
  source: text,
  target,
  read_only: flag,
  volume: group({ nocopy: flag, subpath: never('mount the whole volume') }),
  bind: never('use a named volume'),
  tmpfs: never('use the `tmpfs` of the service'),
});

export const mounts: Reader<ServiceMount[]> = listOf((tree, path) =>
  tree.kind === 'group' ? long(tree, path) : short(tree, path),
);

function long(tree: ComposeTree, path: string): ServiceMount {
  const at = tree.at;
  const type = tree.kind === 'group' ? tree.entries.get('type')?.value : undefined;
  if (type?.kind === 'scalar' && type.text === 'bind') {
    const source = tree.kind === 'group' ? tree.entries.get('source')?.value : undefined;
    bindMount(type.at, path, source?.kind === 'scalar' ? source.text : '?');
  }
  const { source, target, read_only, volume } = longMount(tree, path);
  if (source === undefined) return refuse(at, path, 'a volume without a name is not allowed', 'name it');
  if (target === undefined) return refuse(at, path, 'this volume has no target', 'add it');
  return {
    at,
    source: volumeName(source, at, path),
    target,
    isReadOnly: read_only === true,
    isEmpty: volume?.nocopy === true,
  };
}

function short(tree: ComposeTree, path: string): ServiceMount {
  const at = tree.at;
  const [source, inside, ...rest] = text(tree, path).split(':');
  if (source === undefined || inside === undefined)
    return refuse(at, path, 'a volume without a name is not allowed', 'write name:/path');
  const name = volumeName(source, at, path);
  const options = rest
    .join(':')
    .split(',')
    .filter((option) => option !== '');
  const unknown = options.find((option) => !['ro', 'rw', 'nocopy'].includes(option));
  if (unknown !== undefined)
    refuse(at, path, `the option ${shown(unknown)} is not allowed`, 'only ro, rw and nocopy are');
  if (!insidePath.test(inside)) refuse(at, path, `${shown(inside)} is not a path in the container`, 'correct it');
  return { at, source: name, target: inside, isReadOnly: options.includes('ro'), isEmpty: options.includes('nocopy') };
}

function volumeName(source: string, at: string, path: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(source)) return source;
  return bindMount(at, path, source);
}

function bindMount(at: string, path: string, source: string): never {
  return refuse(at, path, `a bind mount of ${shown(source)} is not allowed`, 'use a named volume');
}

const longGrant = group({ source: text, target: grantTarget, uid: id, gid: id, mode: integer(0, 0o7777) });

export const grants: Reader<Grant[]> = listOf((tree, path) => {
  if (tree.kind !== 'group') return { at: tree.at, source: text(tree, path) };
  const { source, ...how } = longGrant(tree, path);
  return { ...how, at: tree.at, source: source ?? refuse(tree.at, path, 'this has no source', 'add it') };
});
