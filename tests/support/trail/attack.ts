// Attacks on a trail: takes an honest story apart, changes it as somebody with keys could, puts it back together and
// audits it. All attacks of a file share one hub: each moves the branch, and what it wrote is removed after its test.

import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { Act, ActPayload } from '../../../state/entry/act.ts';
import type { Entry, Facts } from '../../../state/entry/entry.ts';
import type { EntryId, PhaseId, Role, RunId, Sha } from '../../../state/entry/ids.ts';
import { RunRecord } from '../../../state/entry/record.ts';
import { recordBytes, runFacts } from '../../../state/fold/facts.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { signAct } from '../../../state/trail/acts.ts';
import { git } from '../repo.ts';
import { tempDir } from '../temp.ts';
import { addStep, cloneSteps, explode, forge, placed, refact, type Step, stepOf, stepsOf } from './forge.ts';
import { type Chapter, honestPhase, phaseId, type Story } from './phase.ts';

/**
 * Changes the steps and returns the entry that the audit must name first; undefined means the entry of the case's
 * chapter.
 */
export type Attack = (steps: Step[]) => number | undefined;
/** What the attacker does, the chapter whose entry the audit must name, what the audit must report, and the attack. */
export type Case = [string, Chapter, RegExp, Attack];

/** Makes one story before the first test of a file, for all its tests; returns a function that attacks the story. */
export function attacked() {
  const dir = mkdtempSync(join(tmpdir(), 'coldpass-'));
  const the = {} as { story: Story; honest: Step[] };
  beforeAll(async () => {
    the.story = await honestPhase(dir);
    the.honest = await stepsOf(the.story);
    git(the.story.hub.dir, ['repack', '-adq']); // one pack, since git searches each pack for every object
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  async function run(_: string, chapter: Chapter, what: RegExp, attack: Attack): Promise<void> {
    const { story, honest } = the;
    const steps = cloneSteps(honest);
    const entry = attack(steps) ?? story.ids[chapter];
    const packs = join(story.hub.dir, 'objects/pack');
    const before = new Set(readdirSync(packs));
    onTestFinished(() => {
      for (const name of readdirSync(packs)) if (!before.has(name)) rmSync(join(packs, name));
    });
    const chain = await forge(story, steps);
    const report = await audit({ hub: story.hub.dir, root: story.hub.root });
    expect(report).toMatchObject({ ok: false, head: chain.at(-1) });
    expect(report.problems[0]?.entry).toBe(entry);
    const here = report.problems.filter((problem) => problem.entry === entry);
    expect(here.map((problem) => problem.what).join('\n')).toMatch(what);
    expect(chain).toContain(report.problems[0]?.commit);
  }

  return { the, run };
}

/**
 * Makes a story for tests that copy its state and damage the copy. In `exploded`, every object of the hub is in a
 * separate file.
 */
export function spoilable() {
  const dir = mkdtempSync(join(tmpdir(), 'coldpass-'));
  const the = { exploded: join(dir, 'exploded') } as { story: Story; exploded: string };
  beforeAll(async () => {
    the.story = await honestPhase(dir);
    git(the.story.hub.dir, ['repack', '-adq']); // one pack, since git searches each pack for every object
    cpSync(the.story.stateDir, the.exploded, { recursive: true });
    explode(join(the.exploded, 'hub.git'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  function copy(from = the.story.stateDir): { hub: string; headsLog: string } {
    const to = tempDir();
    cpSync(from, to, { recursive: true });
    return { hub: join(to, 'hub.git'), headsLog: join(to, 'heads.log') };
  }

  /** The commit that appended entry `id`; in this story each entry has its own commit. */
  function commitOf(id: number): Sha {
    return git(the.story.hub.dir, ['rev-list', '--reverse', 'trail']).split('\n')[id] as Sha;
  }

  return { the, copy, commitOf };
}

/** Expects that the report is not ok and that its first problem has this entry and text. */
export function rejected(report: AuditReport, entry: number | null, what: RegExp): void {
  expect(report.ok).toBe(false);
  expect(report.problems[0]).toMatchObject({ entry, what: expect.stringMatching(what) });
}

export function resultsPath(run: RunId): string {
  return `machine-docs/runs/${run}/results.json`;
}

export function factsOf(steps: Step[], id: number): object {
  return placed(steps, id).entry.facts;
}

export function signedBy(steps: Step[], id: number, role: Role): undefined {
  stepOf(steps, id).role = role;
}

/** Adds one more entry at the end, and returns its id, which the audit must name. */
export function append(
  steps: Step[],
  kind: Entry['kind'],
  role: Role,
  facts: object,
  phase: PhaseId | null = phaseId,
): number {
  const id = (steps.flatMap(({ entries }) => entries).length + 1) as EntryId;
  addStep(steps, { id, at: '2026-06-11T21:30:00Z', kind, role, phase, facts, body: '' } as Entry);
  return id;
}

/** Of the texts stored with entry `id`, changes those whose path matches. */
export function restore(steps: Step[], id: number, path: RegExp, change: (text: string) => string): undefined {
  const { stored } = stepOf(steps, id);
  for (const [name, bytes] of stored) if (path.test(name)) stored.set(name, Buffer.from(change(bytes.toString())));
}

export function unstore(steps: Step[], id: number, content: RegExp): undefined {
  const { stored } = stepOf(steps, id);
  for (const [name, bytes] of stored) if (content.test(bytes.toString())) stored.delete(name);
}

export function resign(steps: Step[], id: number, change: Partial<Act>, signer: Signer): undefined {
  const { act } = factsOf(steps, id) as { act: Act & { payload: ActPayload } };
  const signed = signAct({ ...act, ...change }, signer);
  refact(steps, id, { act: signed.act, signature: signed.signature });
}

export function recordOf(steps: Step[], id: number): RunRecord {
  const [bytes] = stepOf(steps, id).stored.values();
  return RunRecord.parse(JSON.parse((bytes as Buffer).toString()));
}

/** Stores a changed record at the same path, and changes the entry's facts to match it, except for `facts`. */
export function rerun(
  steps: Step[],
  id: number,
  change: Partial<RunRecord>,
  facts: Partial<Facts<'run'>> = {},
): undefined {
  const step = stepOf(steps, id);
  const [path] = step.stored.keys();
  const before = factsOf(steps, id) as Facts<'run'>;
  const record = { ...recordOf(steps, id), ...change };
  const control = before.control && { control: before.control };
  step.stored.set(path as string, Buffer.from(recordBytes(record)));
  refact(steps, id, { ...runFacts(record, control ?? {}), ...facts });
}

/** Makes the claim name another commit, and leaves all later entries as they were. */
export function reclaim(steps: Step[], id: number, sha: string, tree?: string): undefined {
  const { trees } = factsOf(steps, id) as Facts<'claim'>;
  refact(steps, id, { shas: { main: sha }, trees: tree === undefined ? trees : { main: tree } });
}
