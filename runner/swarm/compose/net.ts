// How a service is reached: its networks and ports. Pure. The host ports that the files name matter only when files are
// merged as docker does; in a run every host port is random (document.ts).

import { refuse, shown } from '../app/refused.ts';
import { form, group, integer, listOf, named, oneOf, type Reader, text } from './shape.ts';
import type { ComposeTree } from './tree.ts';

export type Attachment = { at: string; aliases: string[] };
export type Port = { at: string; target: number; published: number; protocol: 'tcp' | 'udp' };

const portMax = 65_535;
const rangeMax = 100;
const network = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/;
const alias = form(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'a name in a network');
const attachment = group({ aliases: listOf(alias) });

export const attachments: Reader<Map<string, Attachment>> = (tree, path) => {
  if (tree.kind === 'list')
    return new Map(
      tree.items.map((item) => [form(network, 'the name of a network')(item, path), { at: item.at, aliases: [] }]),
    );
  return named(network, (value, path, at) => ({ at, aliases: attachment(value, path).aliases ?? [] }))(tree, path);
};

const longPort = group({
  target: integer(1, portMax),
  published: integer(0, portMax),
  protocol: oneOf('tcp', 'udp'),
  mode: oneOf('ingress', 'host'),
});

export const ports: Reader<Port[]> = (tree, path) =>
  listOf((item, path) => (item.kind === 'group' ? [long(item, path)] : short(item, path)))(tree, path).flat();

function long(tree: ComposeTree, path: string): Port {
  const { target, published = 0, protocol = 'tcp' } = longPort(tree, path);
  if (target === undefined) return refuse(tree.at, path, 'this port has no target', 'add it');
  return { at: tree.at, target, published, protocol };
}

/** Reads `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`; PUBLISHED and TARGET may be ranges. */
function short(tree: ComposeTree, path: string): Port[] {
  const written = text(tree, path);
  const wrong = () => refuse(tree.at, path, `${shown(written)} is not a port`, 'write it like "8080:80"');
  const match =
    /^(?:(?:\[[0-9a-fA-F:]+\]|\d{1,3}(?:\.\d{1,3}){3}):)?(?:(\d*|\d+-\d+):)?(\d+|\d+-\d+)(?:\/(tcp|udp))?$/.exec(
      written,
    );
  if (match === null) return wrong();
  const targets = range(match[2] as string);
  const published = range(match[1] ?? '');
  const isWrong = targets.length === 0 || (published.length > 0 && published.length !== targets.length);
  if (isWrong || [...targets, ...published].some((port) => port > portMax || port < 1)) return wrong();
  const protocol = match[3] === 'udp' ? 'udp' : 'tcp';
  return targets.map((target, index) => ({ at: tree.at, target, published: published[index] ?? 0, protocol }));
}

/** The ports of `80` or `80-90`; empty if no port is written or the range is invalid. */
function range(written: string): number[] {
  if (written === '') return [];
  const [first = 0, last = first] = written.split('-').map(Number);
  const length = last - first + 1;
  return length < 1 || length > rangeMax ? [] : Array.from({ length }, (_, index) => first + index);
}
