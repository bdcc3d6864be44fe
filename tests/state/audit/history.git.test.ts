// Audits random honest trails, first as they are and then with one random change. The audit must find nothing wrong
// with the honest trail; in the changed one it must find the change and name its entry.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { checkPush } from '../../../state/trail/hook.ts';
import { isLong } from '../../support/long.ts';
import { fc, seed } from '../../support/property.ts';
import { anyScript, type History, historyOf, storyOf } from '../../support/trail/history.ts';
import { writeMutant } from '../../support/trail/mutant.ts';
import { type Choice, type Mutated, mutations } from '../../support/trail/mutations.ts';

const scripts = 11;
const honestRuns = isLong ? 60 : 20;
const mutatedRuns = isLong ? 1000 : 300;
const sinceRuns = isLong ? 45 : 15;
/** One history for each seed; they are tested in parallel, since an audit mostly waits for git. */
const seeds = [seed, seed + 1];
const lengthMin = 12;
const minutes = 60_000;
const kinds = Object.keys(mutations);

const dir = mkdtempSync(join(tmpdir(), 'coldpass-'));
const the = {} as { histories: History[]; stranger: Signer };

beforeAll(async () => {
  the.stranger = generateKey(join(dir, 'stranger'), 'nobody');
  the.histories = [await storyOf(join(dir, 'story'))];
  for (const [n, script] of fc.sample(anyScript, { numRuns: scripts }).entries())
    the.histories.push(await historyOf(script, join(dir, `${n}`)));
}, 2 * minutes);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const random = fc.nat({ max: 100_000 });
const anyTrail = fc.record({ which: fc.nat({ max: scripts }), long: random });

function trailOf({ which, long }: { which: number; long: number }): { history: History; length: number } {
  const history = the.histories[which] as History;
  return { history, length: lengthMin + (long % (history.steps.length - lengthMin + 1)) };
}

/** Makes the mutant, passes it to `look`, and removes it. */
async function spoilt<T>(choice: Choice, mutant: Mutated, look: (made: Made) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(dir, 'mutant-'));
  try {
    return await look(await writeMutant(choice.history, mutant, choice.length, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
type Made = Awaited<ReturnType<typeof writeMutant>>;

describe('a random history', () => {
  test('is in order after each of its commits', { timeout: 20 * minutes }, async () => {
    const property = fc.asyncProperty(anyTrail, async (trail) => {
      const choice = { ...trailOf(trail), at: 0, how: 0, stranger: the.stranger };
      const report = await spoilt(choice, { keep: choice.length, drafts: [] }, ({ hub, headsLog }) =>
        audit({ hub, headsLog, root: choice.history.hub.root }),
      );
      expect(report).toMatchObject({ ok: true, problems: [], tail: 'witnessed', commits: choice.length + 1 });
    });
    await fc.assert(property, { numRuns: honestRuns });
  });

  test('with any one change is caught, and the entry is named', { timeout: 20 * minutes }, async () => {
    const done = new Map(kinds.map((kind) => [kind, 0]));
    const what = { kind: fc.constantFrom(...kinds), at: random, how: random, isWitnessed: fc.boolean() };
    const property = fc.asyncProperty(anyTrail, fc.record(what), async (trail, { kind, isWitnessed, ...numbers }) => {
      const choice = { ...trailOf(trail), ...numbers, stranger: the.stranger };
      const mutant = (mutations[kind] as (choice: Choice) => Mutated)(choice);
      const report = await spoilt(choice, mutant, ({ hub, headsLog }) =>
        audit({ hub, root: choice.history.hub.root, ...((isWitnessed || mutant.needsWitness) && { headsLog }) }),
      );
      expectCaught(report, mutant);
      done.set(kind, (done.get(kind) ?? 0) + 1);
    });
    await Promise.all(seeds.map((seed) => fc.assert(property, { seed, numRuns: mutatedRuns / seeds.length })));
    console.log([...done].map(([kind, count]) => `${String(count).padStart(5)}  ${kind}`).join('\n'));
    expect([...done].filter(([, count]) => count < mutatedRuns / kinds.length / 3)).toEqual([]);
  });
});

describe('a random history whose beginning was audited before', () => {
  test('with any one later change is caught, even by an audit of only the later part', {
    timeout: 20 * minutes,
  }, async () => {
    const what = { kind: fc.constantFrom(...kinds), at: random, how: random };
    const property = fc.asyncProperty(anyTrail, fc.record(what), async (trail, { kind, ...numbers }) => {
      const choice = { ...trailOf(trail), ...numbers, stranger: the.stranger };
      const mutant = (mutations[kind] as (choice: Choice) => Mutated)(choice);
      const mark = join(dir, 'audit.mark');
      const root = choice.history.hub.root;
      const begun = { ...choice, length: mutant.keep };
      await spoilt(begun, { keep: mutant.keep, drafts: [] }, ({ hub }) => audit({ hub, root, mark }));
      const report = await spoilt(choice, mutant, ({ hub, headsLog }) =>
        audit({ hub, root, headsLog, mark, sinceMark: true }),
      );
      expectCaught(report, mutant);
      const from = choice.history.steps.slice(0, mutant.keep).flatMap(({ entries }) => entries).length;
      // If the audit cannot even start to read the trail, it reports no entries and uses no mark.
      if (report.entries > 0) expect(report).toMatchObject({ since: { entry: from }, notes: [] });
    });
    await fc.assert(property, { numRuns: sinceRuns });
  });
});

/** Expects that the first problem names the right entry; if the change concerns none, that some problem fits `what`. */
function expectCaught({ ok, problems }: AuditReport, { entries, what }: Mutated): void {
  expect(ok).toBe(false);
  const text = problems.map(({ entry, what: words }) => `#${entry} ${words}`).join('\n');
  if (entries) expect(range(entries), text).toContain(problems[0]?.entry);
  if (what) expect(text).toMatch(what);
}

function range([from, to]: [number, number]): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

describe('the hub’s hook', () => {
  // The hook judges commits, not what entries mean: only the supervisor and the audit see that an act was used before.
  test.each(kinds.filter((kind) => kind !== 'an act is replayed'))('refuses a push in which %s', async (kind) => {
    for (const how of [0, 1, 2]) {
      const history = the.histories[1 + how] as History;
      const choice = { history, length: history.steps.length, at: 5 * how, how, stranger: the.stranger };
      const mutant = (mutations[kind] as (choice: Choice) => Mutated)(choice);
      const reasons = await spoilt(choice, mutant, ({ hub, head }) => {
        const [name, gone] = Object.entries(mutant.refs ?? {})[0] ?? ['trail', head];
        const objects = { directory: join(hub, 'objects'), alternates: join(history.hub.dir, 'objects') };
        const old = name === 'trail' ? (history.chain.at(-1) as Sha) : history.refs[name === 'main' ? 'main' : 'phase'];
        const update = { ref: `refs/heads/${name}`, old, new: gone ?? '0'.repeat(40) };
        return checkPush(history.hub.dir, [update], { objects });
      });
      expect(reasons.length, `${how}`).toBeGreaterThan(0);
    }
  });
});
