// Writes a phase to a trail in tests, through the real funnel with the real admission. The caller decides what agents
// write and what runs record; whatever the product computes from that is computed here too.

import { join } from 'node:path';
import { Act, type ActPayload } from '../../../state/entry/act.ts';
import { canonicalJson, digestOf, digestOfJson } from '../../../state/entry/digest.ts';
import type { Entry, EntryOf, Facts, Intent, StoredBytes } from '../../../state/entry/entry.ts';
import type { AgentRole, EntryId, GateId, PhaseId, Role, RunId, SessionId, Sha } from '../../../state/entry/ids.ts';
import { emptyTrail, type TrailState } from '../../../state/entry/phase.ts';
import type { PinnedRecipe } from '../../../state/entry/recipe.ts';
import { Recipe } from '../../../state/entry/recipe.ts';
import type { Purpose, RunRecord, TestResult } from '../../../state/entry/record.ts';
import { asksOf, recordBytes, runFacts } from '../../../state/fold/facts.ts';
import { fold } from '../../../state/fold/fold.ts';
import { admit } from '../../../state/gate/admit.ts';
import { treeOf } from '../../../state/git/git.ts';
import { roleSigner } from '../../../state/keys/keys.ts';
import { readPlan } from '../../../state/plan/plan.ts';
import { signAct, targetDigestOf } from '../../../state/trail/acts.ts';
import { type Funnel, openFunnel } from '../../../state/trail/funnel.ts';
import { startPhase } from '../../../state/trail/hub.ts';
import type { makeHub } from '../repo.ts';
import { record } from './records.ts';

export const phaseId = 'notes' as PhaseId;
export const M1 = 'M1' as GateId;

export const planText = `---
phase: notes
base: main
gates:
  M1: { recipe: app, covers: ["1.1"], expect: { level: 1 } }
---
# Phase notes: keep notes over a restart

## 1. Work requirements

1. Write both stores at shutdown.

## 2. Gates

M1. Both stores kept.

## 3. Definition of Done

- Both stores survive.
`;

export const harnessText = 'export default {};\n';
const harness = { item: 'runner.config.js', digest: digestOf(harnessText) };
const recipe = Recipe.parse({
  stages: [{ name: 'test', run: 'node --test', report: 'r.xml' }],
  tests: ['tests/**'],
  harness: [harness.item],
});
export const pinned = { name: 'app', recipe, harness: [harness] } as unknown as PinnedRecipe;
export const recipeDigest = digestOfJson(pinned);
const startedAt = '2026-06-11T21:00:00Z';

export type Made = Awaited<ReturnType<typeof makeHub>>;

/** Appends entries and fills in what a supervisor would. The trail's clock advances a second each time it is read. */
export type Writer = {
  made: Made;
  trail: Funnel<TrailState>;
  act(payload: ActPayload, blobs?: StoredBytes[]): Promise<EntryId>;
  append<E extends Entry>(intent: Intent): Promise<E>;
  wake(
    role: AgentRole,
    reason: Extract<Facts<'session'>, { event: 'started' }>['reason'],
    runs?: RunId[],
  ): Promise<SessionId>;
  end(session: SessionId, role: AgentRole, published?: Sha | null): Promise<void>;
  claim(
    session: SessionId,
    gate: GateId,
    sha: Sha,
    relatives?: { descends?: EntryId[]; precedes?: EntryId[] },
  ): Promise<EntryId>;
  run(purpose: Purpose, sha: Sha, parts?: RunParts): Promise<RunRecord>;
  /** Advances the clock. */
  wait(ms: number): void;
};

export type RunParts = {
  outcome?: RunRecord['outcome'];
  tests?: TestResult[];
  reproducer?: RunRecord['reproducer'];
  control?: Facts<'run'>['control'];
  kept?: Facts<'run'>['kept'];
};

/** Opens a writer on the hub, with the clock at `from`. */
export async function openWriter(made: Made, from = startedAt): Promise<Writer> {
  const { hub, stateDir, signers } = made;
  let nowMs = Date.parse(from);
  const now = () => {
    nowMs += 1000;
    return new Date(nowMs);
  };
  const newSigner = (role: Role, key: string) => roleSigner(join(stateDir, 'keys'), role, key);
  const rules = { empty: emptyTrail, apply: fold, admit, now };
  const trail = await openFunnel({ hub: hub.dir, stateDir, signers, newSigner, ...rules });
  let count = 0;
  const hex = (digits: number) => (++count).toString(16).padStart(digits, '0');
  const phase = () => trail.state.phases[phaseId];

  async function append<E extends Entry>(intent: Intent): Promise<E> {
    const [entry] = await trail.append([intent]);
    return entry as E;
  }

  async function act(payload: ActPayload, blobs: StoredBytes[] = []): Promise<EntryId> {
    const at = new Date(nowMs).toISOString().replace('.000', '');
    const expires = new Date(nowMs + 3_600_000).toISOString().replace('.000', '');
    const words = Act.parse({ v: 1, workspace: 'sample', root: hub.root, nonce: hex(32), at, expires, payload });
    const { signature } = signAct(words, signers.operator);
    const of = payload.act === 'queue' ? null : phaseId;
    return (
      await append({ kind: 'act', role: 'operator', phase: of, facts: { act: words, signature }, body: '', blobs })
    ).id;
  }

  async function wake(role: AgentRole, reason: Parameters<Writer['wake']>[1], runs: RunId[] = []): Promise<SessionId> {
    const session = `s-${hex(12)}` as SessionId;
    const shown = { upTo: trail.nextId - 1, runs };
    const prompt = digestOf('prompt');
    const facts = {
      event: 'started' as const,
      session,
      for: role,
      reason,
      backend: 'scripted',
      model: 'none',
      prompt,
      shown,
      reservedUsd: 1,
    };
    await append({ kind: 'session', role: 'supervisor', phase: phaseId, facts, body: '' });
    return session;
  }

  async function end(session: SessionId, role: AgentRole, published: Sha | null = null): Promise<void> {
    const tokens = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
    const facts = {
      event: 'ended' as const,
      session,
      for: role,
      end: 'finished' as const,
      why: 'done',
      turns: 1,
      tokens,
      usd: 0.1,
      transcript: null,
      published,
    };
    await append({ kind: 'session', role: 'supervisor', phase: phaseId, facts, body: '' });
  }

  async function claim(
    session: SessionId,
    gate: GateId,
    sha: Sha,
    relatives: { descends?: EntryId[]; precedes?: EntryId[] } = {},
  ): Promise<EntryId> {
    const { descends = [], precedes = [] } = relatives;
    const facts = {
      session,
      gate,
      shas: { main: sha },
      trees: { main: await treeOf(hub.dir, sha) },
      descends,
      precedes,
      touches: [],
      references: { [M1]: made.base },
      keeps: { [pinned.name]: [made.base] },
      expects: { pass: [], looksBad: [] },
    };
    return (await append({ kind: 'claim', role: 'builder', phase: phaseId, facts, body: 'It keeps both stores.' })).id;
  }

  async function run(purpose: Purpose, sha: Sha, parts: RunParts = {}): Promise<RunRecord> {
    const { control, kept, ...rest } = parts;
    const runRecord = record({
      run: `r-${hex(12)}` as RunId,
      purpose,
      recipe: { name: pinned.name, digest: recipeDigest },
      ...rest,
      shas: { main: sha },
      trees: { main: await treeOf(hub.dir, sha) },
      startedAtMs: nowMs,
      endedAtMs: nowMs + 500,
    });
    const at = phase();
    const facts = runFacts(runRecord, { asks: at ? asksOf(at, purpose) : [], control, kept });
    const blobs = [{ path: `runs/${runRecord.run}/results.json`, bytes: recordBytes(runRecord) }];
    await append({ kind: 'run', role: 'runner', phase: phaseId, facts, body: '', blobs });
    return runRecord;
  }

  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { made, trail, append, act, wake, end, claim, run, wait };
}

/** Appends the queue act, the opening of the phase, a request by the Builder and the operator's approval. */
export async function openPhase({ made, trail, act, append, wake, end }: Writer) {
  const texts = [planText, canonicalJson(pinned), harnessText].map((text) => Buffer.from(text));
  const plan = digestOf(planText);
  const recipes = { [pinned.name]: recipeDigest };
  const blobs = texts.map((bytes) => ({ path: `blobs/${digestOf(bytes)}`, bytes }));
  const queue = await act({ act: 'queue', phase: phaseId, plan, recipes, baseSha: made.base }, blobs);
  const read = readPlan(planText);
  if (!('spec' in read)) throw new Error(read.problems.map(({ what }) => what).join('; '));
  const facts = {
    event: 'opened' as const,
    queue,
    plan,
    base: made.base,
    recipes,
    holdout: null,
    spec: read.spec,
    sandbox: 'bubblewrap' as const,
    uid: 'own' as const,
  };
  const beside = { path: `plan-phase-${phaseId}.md`, bytes: Buffer.from(planText) };
  const opened = await append({ kind: 'phase', role: 'supervisor', phase: phaseId, facts, body: '', blobs: [beside] });
  await startPhase(made.hub.dir, phaseId, made.base);
  const session = await wake('builder', { kind: 'work' });
  const asks = { session, action: 'install it', verify: 'it is there', blocks: [M1], options: [] };
  const blocked = await append<EntryOf<'blocked'>>({
    kind: 'blocked',
    role: 'builder',
    phase: phaseId,
    facts: asks,
    body: '',
  });
  const approve = await act({ act: 'approve', target: blocked.id, targetDigest: targetDigestOf(blocked) });
  await end(session, 'builder');
  if (trail.state.phases[phaseId] === undefined) throw new Error('the phase is not open');
  return { queue, opened: opened.id, blocked: blocked.id, approve };
}
