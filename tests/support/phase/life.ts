// Plays a phase in memory, in a few short calls: each submits one entry to the real admission and fold. `refusal`
// returns why an entry was rejected. Reimplements none of the rules.

import type { ActPayload } from '../../../state/entry/act.ts';
import type { Entry, Facts, Intent } from '../../../state/entry/entry.ts';
import {
  type AgentRole,
  type Digest,
  DONE,
  type EntryId,
  type GateId,
  type PhaseId,
  type RecipeName,
  type RunId,
  type SessionId,
  type Sha,
} from '../../../state/entry/ids.ts';
import { type Claim, emptyTrail, type Phase, phaseAt, type TrailState } from '../../../state/entry/phase.ts';
import { coveredBy, GateSpec, PhaseSpec } from '../../../state/entry/spec.ts';
import { fold } from '../../../state/fold/fold.ts';
import { admit } from '../../../state/gate/admit.ts';
import { comparisonsOf } from '../../../state/gate/admitClaim.ts';
import { type GateReport, gateReport } from '../../../state/gate/gate.ts';
import { standingOf } from '../../../state/gate/standing.ts';

export const zero = '0'.repeat(64) as Digest;
const phaseId = 'story' as PhaseId;
const recipes: Record<RecipeName, Digest> = { ['app' as RecipeName]: zero };
const dayMs = 24 * 3600 * 1000;

export function shaOf(n: number): Sha {
  return n.toString(16).padStart(40, '0') as Sha;
}

/**
 * Starts a phase. `gates`: as in front matter, but `recipe`, `covers` and `controls` have defaults (no controls).
 * `more`: other members of the spec. `apps`: the recipes that are for apps.
 */
export function tell(gates: Record<string, object> = { M1: {} }, more: object = {}, apps: string[] = []) {
  let trail: TrailState = emptyTrail;
  let nowMs = Date.parse('2026-03-01T00:00:00Z');
  const gateSpecs = Object.entries(gates).map(([name, more]) => [
    name,
    GateSpec.parse({ recipe: 'app', covers: ['2.1'], controls: { none: 'this story has no controls' }, ...more }),
  ]);
  const clauses = [{ id: '2.1', text: 'x' }];
  const spec = PhaseSpec.parse({
    phase: phaseId,
    gates: Object.fromEntries(gateSpecs),
    title: 't',
    clauses,
    dod: [{ id: 'DoD.1', text: 'y' }],
    ...more,
  });

  function refusal(intent: Intent): string | null {
    const entry = { ...intent, id: trail.lastId + 1, at: `${new Date(nowMs).toISOString().slice(0, 19)}Z` } as Entry;
    const why = admit(trail, entry);
    if (why === null) trail = fold(trail, entry);
    return why;
  }
  function submit(intent: Intent): EntryId {
    const why = refusal(intent);
    if (why !== null) throw new Error(`refused: ${why}`);
    return trail.lastId as EntryId;
  }
  const phase = (): Phase => trail.phases[phaseId] as Phase;
  const say = (role: 'builder' | 'adversary' | 'supervisor' | 'runner', rest: object): Intent =>
    ({ role, phase: phaseId, body: '', ...rest }) as Intent;

  function act(payload: ActPayload): Intent {
    const nonce = (trail.lastId + 1).toString(16).padStart(32, '0');
    const signed = {
      v: 1 as const,
      workspace: 'w',
      root: 'r',
      nonce,
      at: '2026-01-01T00:00:00Z',
      expires: '2099-01-01T00:00:00Z',
      payload,
    };
    return {
      kind: 'act',
      role: 'operator',
      phase: payload.act === 'queue' ? null : phaseId,
      facts: { act: signed, signature: 's' },
      body: '',
    };
  }
  /** Ends the role's last session, if it has one, wakes the role and returns the new session. */
  function wake(
    role: AgentRole,
    reason: Extract<Facts<'session'>, { event: 'started' }>['reason'] = { kind: 'work' },
    runs: RunId[] = [],
  ): SessionId {
    sleep(role);
    const session = `s-${(trail.lastId + 1).toString(16).padStart(12, '0')}` as SessionId;
    const facts = {
      event: 'started',
      session,
      for: role,
      reason,
      backend: 'b',
      model: 'm',
      prompt: zero,
      shown: { upTo: trail.lastId, runs },
      reservedUsd: 0,
    };
    submit(say('supervisor', { kind: 'session', facts }));
    return session;
  }
  function sleep(role: AgentRole): void {
    const awake = phase().sessions.find((s) => s.for === role && s.end === null);
    if (!awake) return;
    const tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    const facts = {
      event: 'ended',
      session: awake.session,
      for: role,
      end: 'finished',
      why: '',
      turns: 1,
      tokens,
      usd: 0,
      transcript: null,
      published: null,
    };
    submit(say('supervisor', { kind: 'session', facts }));
  }
  const awake = (role: AgentRole): SessionId =>
    phase().sessions.findLast((s) => s.for === role && s.end === null)?.session ?? wake(role);

  function claimed(gate: string, n: number, touches: string[] = []): Intent {
    const claims = phase().claims;
    const descends = claims.filter((claim) => claim.sha <= shaOf(n)).map((claim) => claim.id);
    const precedes = claims.filter((claim) => claim.sha > shaOf(n)).map((claim) => claim.id);
    const session = awake('builder'); // may append entries, so read the claim's number afterwards
    const claim = { id: (trail.lastId + 1) as EntryId, sha: shaOf(n), descends };
    const main = { main: shaOf(n) };
    return say('builder', {
      kind: 'claim',
      facts: {
        session,
        gate,
        shas: main,
        trees: main,
        descends,
        precedes,
        touches,
        ...comparisonsOf(phaseAt(phase(), nowMs), gate as GateId, claim),
        expects: { pass: [], looksBad: [] },
      },
    });
  }
  /** Records one run for a claim. Its outcome is PASS and its digests are the same each time, except for `change`. */
  function ran(purpose: Facts<'run'>['purpose'], change: Partial<Facts<'run'>> = {}): EntryId {
    const claim = 'claim' in purpose ? phase().claims.find((c) => c.id === purpose.claim) : undefined;
    const main = { main: claim?.sha ?? shaOf(0) };
    const run = `r-${(trail.lastId + 1).toString(16).padStart(12, '0')}`;
    const counts = { pass: 1, fail: 0, skip: 0 };
    const facts = {
      run,
      purpose,
      recipe: 'app',
      recipeDigest: zero,
      shas: main,
      trees: main,
      outcome: 'PASS',
      level: 1,
      counts,
      alike: zero,
      reason: 'it says',
      results: zero,
      unmet: [],
      sandbox: 'bubblewrap',
      ...change,
    };
    return submit(say('runner', { kind: 'run', facts }));
  }
  function passes(claim: EntryId, gate: string, change: Partial<Facts<'run'>> = {}, k = 1): EntryId {
    const id = ran({ kind: 'gate', claim, gate: gate as GateId, k }, change);
    if ((change.outcome ?? 'PASS') === 'PASS') keeps(claim);
    return id;
  }
  /** Records the runs of the base and of earlier tests that the claim still lacks, all green. */
  function keeps(claim: EntryId): void {
    const standing = () => standingOf(phaseAt(phase(), nowMs), phase().claims.find((c) => c.id === claim) as Claim);
    const wanted = () =>
      standing()
        .requirements.flatMap((requirement) => requirement.needs)
        .find(({ purpose }) => purpose.kind === 'base' || purpose.kind === 'kept');
    for (let need = wanted(); need; need = wanted())
      ran(need.purpose, need.purpose.kind === 'kept' ? { kept: { result: 'KEPT', why: '' } } : {});
  }
  /** Wakes the Adversary to judge the claim; the session was shown the claim's runs if they are all green. */
  function judge(claim: EntryId): SessionId {
    const known = phase().claims.find((c) => c.id === claim);
    const standing = known && standingOf(phaseAt(phase(), nowMs), known);
    return wake('adversary', { kind: 'judge', claim }, standing?.state === 'green' ? standing.runs : []);
  }
  function verdict(claim: EntryId, word: 'PASS' | 'FAIL' | 'UNVERIFIED', more: Partial<Facts<'verdict'>> = {}): Intent {
    const gate = phase().claims.find((c) => c.id === claim)?.gate as GateId;
    const checks = coveredBy(spec, gate).map((clause) => ({ clause, saw: 'it', cites: [{ call: 1, digest: zero }] }));
    const facts = {
      session: awake('adversary'),
      gate,
      claim,
      verdict: word,
      runs: [],
      findings: [],
      checks,
      closes: [],
      ...(word === 'PASS' && { served: { diff: zero, parts: 1 } }),
      ...more,
    };
    return say('adversary', { kind: 'verdict', facts });
  }
  function finding(gate: string, claim: EntryId | null, reproducer = false): Intent {
    const repro = { path: 'tests/r', file: zero, command: 'x' };
    const facts = {
      session: awake('adversary'),
      gate,
      claim,
      title: 't',
      fix: ['f'],
      ...(reproducer && { reproducer: repro }),
    };
    return say('adversary', { kind: 'finding', facts });
  }
  /** Claims a gate at commit `n`, records its runs, and passes it. */
  function accept(gate: string, n: number): EntryId {
    const claim = submit(claimed(gate, n));
    for (const g of gate === DONE ? Object.keys(spec.gates) : [gate]) passes(claim, g);
    judge(claim);
    submit(verdict(claim, 'PASS'));
    return claim;
  }

  const pinned = { recipes, ...(apps.length > 0 && { apps: apps as RecipeName[] }) };
  submit(act({ act: 'queue', phase: phaseId, plan: zero, ...pinned, baseSha: shaOf(0) }));
  submit(
    say('supervisor', {
      kind: 'phase',
      facts: {
        event: 'opened',
        holdout: null,
        queue: 1,
        plan: zero,
        base: shaOf(0),
        ...pinned,
        spec,
        sandbox: 'bubblewrap',
        uid: 'own',
      },
    }),
  );
  return {
    phaseId,
    refusal,
    submit,
    phase,
    say,
    act,
    wake,
    sleep,
    awake,
    claimed,
    ran,
    passes,
    judge,
    verdict,
    finding,
    accept,
    trail: () => trail,
    now: () => nowMs,
    wait: (ms: number) => {
      nowMs += ms;
    },
    aDay: dayMs,
    gate: (name: string): GateReport => gateReport(phaseAt(phase(), nowMs), name as GateId),
    unmet: (name: string): string[] =>
      gateReport(phaseAt(phase(), nowMs), name as GateId)
        .conditions.filter((c) => !c.met)
        .map((c) => c.name),
  };
}
