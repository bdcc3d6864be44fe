// A service's `deploy`: replicas, placement, updates, restarts, and labels, which give the app's version and what to
// back up. Pure. An app may not set labels that belong to Coldpass or docker.

import { refuse, shown } from '../app/refused.ts';
import {
  durationReader,
  form,
  group,
  integer,
  type Json,
  listOf,
  never,
  oneOf,
  pairs,
  type Reader,
  scalar,
  text,
} from './shape.ts';

export const replicasMax = 20;
const hourSeconds = 3600;

/** `plain` is copied into the document unchanged. */
export type Deploy = { plain: { [key: string]: Json }; labels: Map<string, string> };

const reserved = /^(coldpass\.|com\.docker\.|io\.docker\.|org\.dockerproject\.)/;
const ratio: Reader<number> = (tree, path) => {
  const share = Number(scalar(tree, path).text);
  return share >= 0 && share <= 1 ? share : refuse(tree.at, path, 'this is not a ratio from 0 to 1', 'correct it');
};

export const labels: Reader<Map<string, string>> = (tree, path) => {
  const read = pairs(tree, path);
  for (const key of read.keys())
    if (reserved.test(key)) refuse(tree.at, path, `the label ${shown(key)} is reserved`, 'remove it');
  return new Map([...read].map(([key, value]) => [key, value ?? '']));
};

const update = group({
  parallelism: integer(0, replicasMax),
  delay: durationReader(hourSeconds),
  failure_action: oneOf('continue', 'pause', 'rollback'),
  monitor: durationReader(hourSeconds),
  max_failure_ratio: ratio,
  order: oneOf('stop-first', 'start-first'),
});

const amount = form(/^\d+(\.\d+)?\s*([bkmg]|[kmg]b|[kmg]ib)?$/i, 'an amount of memory like 256M');
const cpus: Reader<string> = (tree, path) =>
  tree.kind === 'scalar' && /^\d{1,3}(\.\d{1,3})?$/.test(tree.text)
    ? tree.text
    : refuse(tree.at, path, 'this is not a number of processors', "write it like '0.5'");
const resources = group({ cpus, memory: amount, pids: integer(1, 100_000) });

const constraint: Reader<string> = (tree, path) => {
  const read = text(tree, path);
  if (/^node\.role\s*==\s*manager$/.test(read)) return read;
  return refuse(tree.at, path, `the constraint ${shown(read)} is not allowed`, 'only node.role == manager is');
};

const whole = group({
  mode: oneOf('replicated'),
  replicas: integer(0, replicasMax),
  endpoint_mode: oneOf('vip', 'dnsrr'),
  labels,
  update_config: update,
  rollback_config: update,
  restart_policy: group({
    condition: oneOf('none', 'on-failure', 'any'),
    delay: durationReader(hourSeconds),
    max_attempts: integer(0, 1000),
    window: durationReader(hourSeconds),
  }),
  resources: group({ limits: resources, reservations: resources }),
  placement: group({
    constraints: listOf(constraint),
    preferences: never('a run has one node'),
    max_replicas_per_node: never('a run has one node'),
  }),
});

export const deploy: Reader<Deploy> = (tree, path) => {
  const { labels = new Map(), ...plain } = whole(tree, path);
  return { plain: plain as Deploy['plain'], labels };
};
