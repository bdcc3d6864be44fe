// The audit: reads a trail from its first commit on and believes nothing that it can check. Signatures, prefixes, framing and
// order by the rule that the hub's hook has; every entry by the rules that the supervisor has; runs from their records; claims
// from git; the gates by the same pure rule. Offline, with git and node alone. A bad trail is an answer, never an error.

import { findBreak, isMarkedHub, trailHead } from './auditDamage.ts';
import { type PhaseWork, workFaults } from './auditGit.ts';
import { type AuditProblem, type Read, readEntries } from './auditRead.ts';
import { entryInLog, tailFaults } from './auditTail.ts';
import { falseTrees } from './auditTrail.ts';
import { Refused, TrailError } from './errors.ts';
import { type GateReport, gateReport } from './gate.ts';
import { allowedSignersFile, readmeFile } from './genesis.ts';
import { listTree } from './git.ts';
import { type Hub, openCopy } from './hub.ts';
import { DONE, type EntryId, type GateId, type PhaseId, type Sha } from './ids.ts';
import type { Phase, TrailState } from './phase.ts';

/** More are counted, not told. */
export const problemsMax = 200;

export type AuditOptions = {
  /** The bare repository. */
  hub: string;
  /** Fingerprint (`SHA256:…`) of the key that must have signed the first commit. */
  root?: string;
  /** A full commit id that somebody wrote down: the trail must hold it. */
  head?: string;
  /** Path of the `heads.log` beside the hub. */
  headsLog?: string;
};

export type AuditGate = { gate: GateId; holds: boolean; claim: EntryId | null; sha: Sha | null };

export type AuditPhase = {
  id: PhaseId;
  status: Phase['status'] | 'queued';
  /** As they stood when the phase was done, else at the trail's last entry. DONE comes last. */
  gates: AuditGate[];
  /** `none`: its runs were not sandboxed, which only a demo's may be. Null while it is queued. */
  sandbox: Phase['sandbox'] | null;
};

export type AuditReport = {
  ok: boolean;
  entries: number;
  commits: number;
  head: Sha | null;
  /** `assumed` where no fingerprint was given; null where the first commit cannot be read. */
  root: { fingerprint: string | null; assumed: boolean };
  /** `witnessed` where a commit or heads.log was given, and the trail agrees with it. */
  tail: 'witnessed' | 'unwitnessed';
  phases: AuditPhase[];
  /** In the order of the entries; what concerns none comes last. */
  problems: AuditProblem[];
};

/** Audits a hub. Rejects with TrailError 'bad-hub' where there is none at that path, 'io' where git cannot be started. */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  let hub: Hub;
  try {
    hub = await openCopy(options.hub);
  } catch (error) {
    if (!(error instanceof TrailError || error instanceof Refused) || !(await isMarkedHub(options.hub))) throw error;
    return damagedReport(options, error);
  }
  return auditHub(hub, options);
}

async function auditHub(hub: Hub, options: AuditOptions): Promise<AuditReport> {
  const head = (await trailHead(hub.dir)) as Sha;
  const problems: AuditProblem[] = [...rootProblems(hub, options), ...(await genesisProblems(hub))];
  const read = await readEntries(hub, head, problems);
  if (read.isWhole) await checkTrees(hub, head, read, problems);
  for (const work of read.work.values()) {
    const cannot = (error: Error) => [{ entry: work.opened, what: `its work cannot be looked at: ${error.message}` }];
    const faults = await workFaults(hub.dir, work).catch(cannot);
    for (const { entry, what } of faults) problems.push({ entry, commit: read.commits.get(entry) ?? null, what });
  }
  const end = { chain: read.chain, entries: read.entries };
  const tail = read.isWhole ? await tailFaults(end, options) : [];
  for (const { entry, what } of tail) problems.push({ entry, commit: null, what });
  const isWitnessed = options.head !== undefined || options.headsLog !== undefined;
  return {
    ok: problems.length === 0,
    entries: read.entries,
    commits: read.chain.size,
    head,
    root: { fingerprint: hub.root, assumed: options.root === undefined },
    tail: isWitnessed && tail.length === 0 && read.isWhole ? 'witnessed' : 'unwitnessed',
    phases: phasesOf(read.audit.state, read.work, read.audit.at),
    problems: inOrder(problems),
  };
}

/** Folders are no commit's to bring as far as the rule for commits goes, but entries and records hang on them. */
async function checkTrees(hub: Hub, head: Sha, { firsts }: Read, problems: AuditProblem[]): Promise<void> {
  const found = await falseTrees(hub.dir, hub.genesis, head).catch((error: TrailError) => error);
  if (found instanceof Error) return void problems.push({ entry: null, commit: head, what: found.message });
  for (const [commit, object] of found) {
    const what = `its object ${object} holds other bytes than its id stands for`;
    problems.push({ entry: firsts.get(commit) ?? null, commit, what });
  }
}

function rootProblems({ root, genesis }: Hub, options: AuditOptions): AuditProblem[] {
  if (options.root === undefined || options.root === root) return [];
  const what = `the first commit was signed by ${root}, not by ${options.root}: this is another trail`;
  return [{ entry: null, commit: genesis, what }];
}

/** The first commit, which no rule of commits covers, holds keys and nothing that could pass for a record. */
async function genesisProblems({ dir, genesis }: Hub): Promise<AuditProblem[]> {
  const files = await listTree(dir, genesis);
  const strange = files.find(({ path }) => path !== allowedSignersFile && path !== readmeFile);
  return strange === undefined
    ? []
    : [{ entry: null, commit: genesis, what: `the first commit holds ${strange.path}` }];
}

function phasesOf(state: TrailState, work: ReadonlyMap<PhaseId, PhaseWork>, at: string): AuditPhase[] {
  const opened = Object.values(state.phases).map((phase): AuditPhase => {
    // Evidence for DONE ages: it is looked at as of the time when it counted.
    const nowMs = Date.parse((phase.status === 'done' ? work.get(phase.id)?.done?.at : undefined) ?? at);
    const gates = [...(Object.keys(phase.spec.gates) as GateId[]), DONE].map((gate) => {
      const { holds, claim, sha } = reportOf(phase, gate, nowMs);
      return { gate, holds, claim: claim?.id ?? null, sha };
    });
    return { id: phase.id, status: phase.status, gates, sandbox: phase.sandbox };
  });
  return [
    ...opened,
    ...state.queue.map(({ phase }): AuditPhase => ({ id: phase, status: 'queued', gates: [], sandbox: null })),
  ];
}

/** A phase whose plan no plan check would let through (gates that require each other) has no answer. */
function reportOf(phase: Phase, gate: GateId, nowMs: number): Pick<GateReport, 'holds' | 'claim' | 'sha'> {
  try {
    return gateReport(phase, gate, nowMs);
  } catch {
    return { holds: false, claim: null, sha: null };
  }
}

function inOrder(problems: AuditProblem[]): AuditProblem[] {
  const rank = ({ entry }: AuditProblem) => entry ?? Number.POSITIVE_INFINITY;
  const sorted = problems.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  if (sorted.length <= problemsMax) return sorted;
  const more = { entry: null, commit: null, what: `there are ${sorted.length - problemsMax} problems more` };
  return [...sorted.slice(0, problemsMax), more];
}

async function damagedReport(options: AuditOptions, error: Error): Promise<AuditReport> {
  const head = await trailHead(options.hub);
  const broken = head === null ? null : await findBreak(options.hub, head).catch(() => null);
  const what =
    broken === null ? error.message : `${broken.what}, so nothing before it can be judged (${error.message})`;
  const entry = broken && (broken.entry ?? (await entryInLog(options.headsLog, broken.commit)));
  return {
    ...{ ok: false, entries: 0, commits: 0, head, phases: [], tail: 'unwitnessed' },
    root: { fingerprint: null, assumed: options.root === undefined },
    problems: [{ entry, commit: broken?.commit ?? null, what }],
  };
}
