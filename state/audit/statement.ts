// Exports a trail as in-toto statements (Statement v1) for other tools: a test-result for each counted run, and a
// verification summary (SLSA VSA v1) for each claimed gate. Pure: no clock and no paths, so the same trail gives the
// same bytes. If a predicate has no field for some data, they are in the fields `coldpass:run` and `coldpass:gate`.
//
// A trail is identified by the fingerprint of the key that founded it: `coldpass:SHA256:…#NAME` is NAME in that trail.

import { digestOfJson } from '../entry/digest.ts';
import type { EntryOf } from '../entry/entry.ts';
import type { Digest, EntryId, GateId, Sha } from '../entry/ids.ts';
import type { Phase } from '../entry/phase.ts';
import { type RunRecord, uncounted } from '../entry/record.ts';
import { gatesOf } from '../entry/spec.ts';
import { slotOf } from '../fold/requirement.ts';
import type { GateReport } from '../gate/gate.ts';

/** The version of the specification that verification summaries follow. */
const slsaVersion = '1.2';
/** Media type of a stored envelope, by the short name of its predicate. */
const mediaType = (predicate: string) => `application/vnd.in-toto.${predicate}+dsse`;

export type Subject = { name: string; digest: Record<string, string> };
export type InTotoStatement = {
  _type: 'https://in-toto.io/Statement/v1';
  subject: Subject[];
  predicateType: string;
  predicate: Record<string, unknown>;
};

/**
 * The trail that statements are about: the fingerprint of the key that founded it (`root`), its head commit, and the
 * resource that its gates judge.
 */
export type StatementSource = { root: string; head: Sha; resource: string };

/** An envelope that another one relies on: its file name and the digest of its bytes. */
export type Input = { file: string; digest: Digest; predicate: 'test-result' | 'vsa'; name: string };

/** True for runs that a gate may rely on. */
export function isCounted({ facts }: EntryOf<'run'>): boolean {
  const { kind } = facts.purpose;
  return kind !== 'trial' && kind !== 'trigger' && facts.results !== null && !uncounted.has(facts.outcome);
}

/**
 * The test-result of one counted run. `record` is the record that the entry names by digest, `plan` the plan in force
 * at that entry.
 */
export function runStatement(entry: EntryOf<'run'>, record: RunRecord, plan: Digest): InTotoStatement {
  const { facts } = entry;
  const { passed, failed } = shown(facts, record);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf(facts.shas, facts.trees),
    predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
    predicate: {
      result: isPassed(facts) ? 'PASSED' : 'FAILED',
      configuration: [
        { name: `recipe ${facts.recipe}`, digest: { sha256: facts.recipeDigest } },
        { name: `plan ${entry.phase}`, digest: { sha256: plan } },
      ],
      passedTests: passed,
      warnedTests: [],
      failedTests: failed,
      'coldpass:run': {
        run: facts.run,
        phase: entry.phase,
        entry: entry.id,
        recordedAt: entry.at,
        purpose: facts.purpose,
        outcome: facts.outcome,
        reason: facts.reason,
        level: facts.level,
        counts: facts.counts,
        unmet: facts.unmet,
        control: facts.control,
        kept: facts.kept,
        reproducer: facts.reproducer,
        sandbox: facts.sandbox,
        results: { sha256: facts.results },
        skippedTests: record.tests.filter(({ status }) => status === 'skip' || status === 'todo').map(({ id }) => id),
      },
    },
  };
}

export type GateStatement = {
  phase: Phase;
  report: GateReport;
  /** The time as of which the gate was judged, which is the time of an entry. */
  at: string;
  source: StatementSource;
  /** Every envelope that the gate relies on. */
  inputs: readonly Input[];
  /** Acts that waived a condition of this gate, or of a gate that this one requires. */
  waived: readonly EntryId[];
};

/** The verification summary of a gate at the claimed commit; null for an unclaimed gate, which has no commit. */
export function gateStatement({ phase, report, at, source, inputs, waived }: GateStatement): InTotoStatement | null {
  const { gate, claim, holds, conditions, verdict } = report;
  if (claim === null) return null;
  const id = (name: string) => `coldpass:${source.root}#${name}`;
  const spec = phase.spec.gates[gate];
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjectsOf({ main: claim.sha }, { main: claim.tree }),
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate: {
      verifier: { id: id('supervisor') },
      timeVerified: at,
      resourceUri: source.resource,
      // The plan in force: an amended plan is another file.
      policy: { uri: id(`blobs/${phase.plan}`), digest: { sha256: phase.plan } },
      inputAttestations: inputs.map(({ file, digest, predicate, name }) => ({
        name: file,
        uri: id(name),
        digest: { sha256: digest },
        mediaType: mediaType(predicate),
      })),
      verificationResult: holds ? 'PASSED' : 'FAILED',
      verifiedLevels: [levelOf(phase, holds, waived)],
      slsaVersion,
      'coldpass:gate': {
        gate,
        phase: phase.id,
        claim: claim.id,
        verdict: verdict?.id ?? null,
        waived,
        trail: source.head,
        ...(spec && { spec: { sha256: digestOfJson(spec) } }),
        conditions: conditions.map(({ n, name, met, unmet, evidence, runs }) => ({
          n,
          name,
          met,
          unmet,
          evidence,
          runs,
        })),
      },
    },
  };
}

/** The runs that a gate's conditions name, and the runs with which those were compared. */
export function runsUnder({ runs }: Phase, { claim, conditions }: GateReport): Phase['runs'] {
  const named = new Set(conditions.flatMap((condition) => condition.runs));
  const earlier = new Set<Sha>(
    claim === null ? [] : [...Object.values(claim.references), ...Object.values(claim.keeps).flat()],
  );
  const isCompared = ({ purpose, sha }: Phase['runs'][number]) =>
    (purpose.kind === 'base' || purpose.kind === 'gate') && earlier.has(sha);
  return runs.filter((run) => named.has(run.run) || isCompared(run));
}

/** The gates that a gate requires; DONE requires all. */
export function requiredBy({ spec }: Phase, gate: GateId): GateId[] {
  return spec.gates[gate]?.requires ?? gatesOf(spec);
}

/** Coldpass's own levels, since no SLSA track covers gates. COLDPASS_GATE_HOLDS means sandboxed runs and no waiver. */
function levelOf({ sandbox }: Phase, holds: boolean, waived: readonly EntryId[]): string {
  if (!holds) return 'FAILED';
  if (sandbox === 'none') return 'COLDPASS_GATE_HOLDS_WITHOUT_SANDBOX';
  return waived.length > 0 ? 'COLDPASS_GATE_HOLDS_BY_WAIVER' : 'COLDPASS_GATE_HOLDS';
}

function subjectsOf(shas: Record<string, string>, trees: Record<string, string>): Subject[] {
  return Object.keys(shas)
    .toSorted()
    .flatMap((name) => {
      const [sha = '', tree] = [shas[name], trees[name]];
      // A git commit id is the SHA-1 of the commit object, so this digest has two names, and both are in use.
      const commit = { name, digest: { gitCommit: sha, sha1: sha } };
      return tree === undefined ? [commit] : [commit, { name: `${name} tree`, digest: { gitTree: tree } }];
    });
}

type Facts = EntryOf<'run'>['facts'];

/**
 * A run that judges something (a control, a reproducer, earlier tests) counts as one test; any other has its own tests.
 */
function shown(facts: Facts, { tests }: RunRecord): { passed: string[]; failed: string[] } {
  if (judgement(facts) !== null) {
    const name = slotOf(facts.purpose);
    return isPassed(facts) ? { passed: [name], failed: [] } : { passed: [], failed: [name] };
  }
  const of = (wanted: string) => tests.filter(({ status }) => status === wanted).map(({ id }) => id);
  return { passed: of('pass'), failed: of('fail') };
}

/** Whatever is not proved counts as failed, never as a warning, because a policy might take a warning for a pass. */
function isPassed(facts: Facts): boolean {
  const result = judgement(facts);
  if (result !== null) return ['BITES', 'KEPT', 'green'].includes(result);
  return facts.outcome === 'PASS' && facts.unmet.length === 0;
}

function judgement({ control, kept, reproducer }: Facts): string | null {
  return control?.result ?? kept?.result ?? reproducer ?? null;
}
