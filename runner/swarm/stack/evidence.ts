// What people want to see after a failure, collected before teardown: tasks as `docker service ps` shows them, each
// service's last log lines, service specs, engine events. Bounded. Values of variables are removed here;
// rungs/evidence.ts removes values of secrets, which a service may have logged.

import type { Readable } from 'node:stream';
import { RunnerError } from '../../box/errors.ts';
import { logsOf } from '../engine/logs.ts';
import { type EngineRun, runLabel, stackLabel } from '../engine/place.ts';
import type { RawService, RawTask } from './observe.ts';

const logLines = 100;
const partCharsMax = 128 * 1024;
const eventsMax = 400;

export type EvidenceOptions = { services: string[]; sinceMs: number };

/** The parts, by file name. A part that is not available contains the reason; the others are unaffected. */
export async function stackEvidence(place: EngineRun, options: EvidenceOptions): Promise<Record<string, string>> {
  const parts: [string, () => Promise<string>][] = [
    ['tasks.txt', () => tasksTable(place)],
    ['services.json', () => servicesJson(place)],
    ['events.txt', () => eventsText(place, options.sinceMs)],
    ...options.services.map((name): [string, () => Promise<string>] => [
      `${name}.log`,
      () => logsOf(place, name, logLines),
    ]),
  ];
  const texts = await Promise.all(parts.map(async ([name, read]) => [name, await readOrExplain(place, read)] as const));
  return Object.fromEntries(texts);
}

async function readOrExplain(place: EngineRun, read: () => Promise<string>): Promise<string> {
  try {
    return (await read()).slice(-partCharsMax);
  } catch (error) {
    place.signal.throwIfAborted();
    if (!(error instanceof RunnerError)) throw error;
    return `not available: ${error.message}`;
  }
}

async function tasksTable({ docker, names }: EngineRun): Promise<string> {
  const filters = { label: [`${stackLabel}=${names.stack}`] };
  const services = (await docker.listServices({ filters })) as RawService[];
  const tasks = ((await docker.listTasks({ filters })) as RawTask[]).toSorted((a, b) =>
    a.CreatedAt < b.CreatedAt ? -1 : 1,
  );
  const nameOf = new Map(services.map(({ ID, Spec }) => [ID, Spec.Name]));
  const rows = tasks.map(({ ID, CreatedAt, ServiceID, Slot, DesiredState, Spec, Status }) => [
    CreatedAt.slice(0, 23),
    `${nameOf.get(ServiceID) ?? ServiceID}.${Slot ?? 0}`,
    ID.slice(0, 12),
    Spec.ContainerSpec?.Image ?? '',
    `${Status.State} (desired: ${DesiredState})`,
    `exit ${Status.ContainerStatus?.ExitCode ?? '-'}`,
    Status.Err ?? '',
  ]);
  return rows.map((row) => row.join('  ')).join('\n');
}

async function servicesJson({ docker, names }: EngineRun): Promise<string> {
  const filters = { label: [`${stackLabel}=${names.stack}`] };
  const services = await docker.listServices({ filters });
  return JSON.stringify(
    services,
    (key, value) => (key === 'Env' && Array.isArray(value) ? value.map(nameOnly) : value),
    2,
  );
}

function nameOnly(variable: unknown): string {
  return `${String(variable).split('=', 1)[0]}=…`;
}

type Event = {
  Type: string;
  Action: string;
  timeNano?: number;
  time: number;
  Actor: { Attributes?: Record<string, string> };
};

/** This stack's events, from the last 256 that the engine keeps. */
async function eventsText({ docker, names }: EngineRun, sinceMs: number): Promise<string> {
  const span = { since: Math.floor(sinceMs / 1000), until: Math.floor(Date.now() / 1000) };
  const stream = (await docker.getEvents(span)) as Readable;
  let text = '';
  for await (const chunk of stream) text = (text + chunk).slice(-8 * partCharsMax);
  const events = text
    .split('\n')
    .flatMap(eventIn)
    .filter((event) => isOf(names, event) && !event.Action.startsWith('exec_'));
  return events.slice(-eventsMax).map(eventLine).join('\n');
}

function eventIn(line: string): Event[] {
  try {
    return [JSON.parse(line) as Event];
  } catch {
    return [];
  }
}

function isOf({ run, stack }: EngineRun['names'], { Actor: { Attributes = {} } }: Event): boolean {
  return (
    Attributes[runLabel] === run || Attributes[stackLabel] === stack || (Attributes.name ?? '').startsWith(`${stack}_`)
  );
}

function eventLine({ Type, Action, time, Actor: { Attributes = {} } }: Event): string {
  const { name = '', exitCode, 'updatestate.new': update } = Attributes;
  const notes = [exitCode && `exit ${exitCode}`, update && `update ${update}`].filter(Boolean).join(', ');
  return `${new Date(time * 1000).toISOString()}  ${Type} ${Action}  ${name}${notes ? `  (${notes})` : ''}`;
}
