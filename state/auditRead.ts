// Reads a trail from its first commit on, judging each commit beside the one before it and each entry by all that came before.
// Gathers on the way what is asked of git, of the witnesses and of the gates once all is read.

import { type EntryAudit, entryAudit } from './auditEntry.ts';
import type { PhaseWork } from './auditGit.ts';
import { type AuditStore, auditStore } from './auditStore.ts';
import { falseObjects, readTrail } from './auditTrail.ts';
import { checkCommit, type TrailCommit, type TrailPlace } from './commitRule.ts';
import { parseCommit } from './commits.ts';
import type { Entry } from './entry.ts';
import { git } from './gitProcess.ts';
import type { Hub } from './hub.ts';
import type { EntryId, PhaseId, Sha } from './ids.ts';
import { placeAtGenesis } from './walk.ts';

export type AuditProblem = { entry: number | null; commit: Sha | null; what: string };

export type Read = {
  audit: EntryAudit;
  entries: number;
  /** For each commit, the number of entries up to it. */
  chain: Map<Sha, number>;
  /** For each commit but the first, the entry by which its faults go: its own first one, or where that was due. */
  firsts: Map<Sha, number>;
  /** The commit of each entry that `workFaults` may name. */
  commits: Map<EntryId, Sha>;
  work: Map<PhaseId, PhaseWork>;
  /** False where git could not read on. */
  isWhole: boolean;
};

/** Reads and judges commit by commit, entry by entry. */
export async function readEntries(hub: Hub, head: Sha, problems: AuditProblem[]): Promise<Read> {
  const store = auditStore(hub.dir);
  const judge = entryAudit({ hub: hub.dir, store, workspace: await workspaceOf(hub), root: hub.root });
  const read: Read = {
    ...{ audit: judge, entries: 0, isWhole: true },
    ...{ chain: new Map([[hub.genesis, 0]]), firsts: new Map(), commits: new Map(), work: new Map() },
  };
  let place = await placeAtGenesis(hub.dir, hub.genesis);
  try {
    for await (const commit of readTrail(hub.dir, hub.genesis, head)) {
      if (!('damaged' in commit)) {
        place = await readCommit(place, commit, store, read, problems);
        continue;
      }
      const what = `from here on the trail cannot be read: ${commit.why}`;
      problems.push({ entry: place.nextId, commit: commit.damaged, what });
      read.isWhole = false;
    }
    return read;
  } finally {
    store.close();
  }
}

async function readCommit(
  place: TrailPlace,
  commit: TrailCommit,
  store: AuditStore,
  read: Read,
  problems: AuditProblem[],
): Promise<TrailPlace> {
  const { sha } = commit;
  const { problems: found, entries, next } = checkCommit(place, commit);
  const first = entries[0]?.id ?? place.nextId;
  store.keep(commit);
  read.firsts.set(sha, first);
  for (const what of objectProblems(commit)) problems.push({ entry: first, commit: sha, what });
  for (const { rule, entry, what } of found)
    problems.push({ entry: entry ?? first, commit: sha, what: `${rule}: ${what}` });
  for (const entry of entries) {
    for (const what of await read.audit.judge(entry)) problems.push({ entry: entry.id, commit: sha, what });
    note(read, entry, sha);
  }
  read.entries = next.nextId - 1;
  read.chain.set(sha, read.entries);
  return next;
}

function objectProblems(commit: TrailCommit): string[] {
  return falseObjects(commit).map((id) => `its object ${id} holds other bytes than its id stands for`);
}

/** Gathers what git is to be asked about once all is read. */
function note({ work, commits }: Read, entry: Entry, commit: Sha): void {
  if (entry.kind === 'phase' && entry.facts.event === 'opened') {
    const { base, spec } = entry.facts;
    if (!work.has(spec.phase))
      work.set(spec.phase, { phase: spec.phase, opened: entry.id, base, spec, claims: [], done: null });
    commits.set(entry.id, commit);
  }
  const phase = entry.phase === null ? undefined : work.get(entry.phase);
  if (phase && entry.kind === 'claim') phase.claims.push(entry);
  if (phase && entry.kind === 'phase' && entry.facts.event === 'done')
    phase.done = { id: entry.id, at: entry.at, sha: entry.facts.sha };
  if (phase && (entry.kind === 'claim' || entry.kind === 'phase')) commits.set(entry.id, commit);
}

/** The workspace's name, from the operator's own subject; null where that names none. */
async function workspaceOf({ dir, genesis }: Hub): Promise<string | null> {
  const { stdout } = await git(dir, ['cat-file', 'commit', genesis]);
  return /^init: (.+)\n/.exec(parseCommit(stdout)?.message ?? '')?.[1] ?? null;
}
