// Measures signed, durable appends by many concurrent writers to a real hub: `node bench/append.ts`, or `benchAppend()`
// for the figures. Every append is fsynced, moved onto the trail and witnessed before it counts.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Entry } from '../state/entry/entry.ts';
import type { Role } from '../state/entry/ids.ts';
import type { Funnel } from '../state/trail/funnel.ts';
import { openFunnel } from '../state/trail/funnel.ts';
import { git, makeTrail, note } from '../tests/support/trail/trail.ts';

const writersDefault = 16;
const entriesDefault = 2000;
const warmupEntries = 64;
const goal = { perSecondMin: 500, p95MsMax: 50 };
/** Who writes the entries, as when two agents work: mostly one role, sometimes the other. */
const roles: Role[] = ['builder', 'builder', 'builder', 'adversary'];

export type AppendFigures = {
  writers: number;
  entries: number;
  perSecond: number;
  /** Time from calling `append` to its result. */
  p50Ms: number;
  p95Ms: number;
  commits: number;
  /** Entries that were acknowledged but are missing from the trail after it was reopened. */
  lost: number;
  meetsGoal: boolean;
};

/** Appends `entries` notes with `writers` concurrent writers to a new trail, which is removed afterwards. */
export async function benchAppend(writers = writersDefault, entries = entriesDefault): Promise<AppendFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'coldpass-bench-'));
  try {
    return await measure(dir, writers, entries);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(dir: string, writers: number, entries: number): Promise<AppendFigures> {
  const trail = await makeTrail(dir);
  const options = { ...trail, empty: 0, apply: (count: number) => count + 1, admit: () => null, now: () => new Date() };
  const funnel = await openFunnel(options);
  await appendAll(funnel, writers, warmupEntries);
  const startedAtMs = performance.now();
  const waits = await appendAll(funnel, writers, entries);
  const tookMs = performance.now() - startedAtMs;
  await funnel.close();
  const reopened = await openFunnel(options);
  const lost = entries + warmupEntries - reopened.state;
  await reopened.close();
  const figures = {
    perSecond: Math.round(entries / (tookMs / 1000)),
    p50Ms: quantile(waits, 0.5),
    p95Ms: quantile(waits, 0.95),
  };
  const commits = Number(git(trail.hub, ['rev-list', '--count', 'trail']));
  const meetsGoal = figures.perSecond >= goal.perSecondMin && figures.p95Ms <= goal.p95MsMax && lost === 0;
  return { writers, entries, ...figures, commits, lost, meetsGoal };
}

/** Each writer appends entry after entry until `entries` are on the trail. Returns how long each took, in ms. */
async function appendAll(funnel: Funnel<number>, writers: number, entries: number): Promise<number[]> {
  const waits: number[] = [];
  let left = entries;
  async function write(role: Role): Promise<void> {
    while (left-- > 0) {
      const startedAtMs = performance.now();
      const [entry] = (await funnel.append([note(`entry ${left}`, role)])) as [Entry];
      waits.push(performance.now() - startedAtMs);
      if (entry.id > funnel.state) throw new Error(`entry #${entry.id} was acknowledged before it was on the trail`);
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, n) => write(roles[n % roles.length] as Role)));
  return waits;
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return Math.round(value * 10) / 10;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { writers, entries, perSecond, p50Ms, p95Ms, commits, lost, meetsGoal } = await benchAppend();
  console.log(`signed appends, ${writers} writers: ${perSecond} entries/s, p50 ${p50Ms} ms, p95 ${p95Ms} ms`);
  const aim = `goal (≥ ${goal.perSecondMin}/s, p95 ≤ ${goal.p95MsMax} ms): ${meetsGoal ? 'met' : 'missed'}`;
  console.log(`${entries} entries in ${commits} commits, ${lost} lost; ${aim}`);
  process.exitCode = meetsGoal ? 0 : 1;
}
