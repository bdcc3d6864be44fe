// Reads a trail from its first commit, or from where an earlier reading ended. Judges each commit by the commit before
// it and each entry by everything before it. Collects what is needed later to check git, witnesses and gates.

import type { PhaseId, Sha } from '../entry/ids.ts';
import { parseCommit } from '../git/commits.ts';
import { mustRead } from '../git/objects.ts';
import { checkCommit, type TrailCommit, type TrailPlace } from '../trail/commitRule.ts';
import { type EntriesSoFar, type EntryAudit, entryAudit } from './entry.ts';
import { noteWork, type PhaseWork } from './git.ts';
import { type AuditStore, auditStore, type KnownBlobs } from './store.ts';
import { type AuditTrail, falseObjects, type Held, trailCommits } from './trail.ts';

export type AuditProblem = { entry: number | null; commit: Sha | null; what: string };

export type Read = {
  place: TrailPlace;
  store: AuditStore;
  audit: EntryAudit;
  /** For each commit, the number of entries up to it. */
  chain: Map<Sha, number>;
  work: Map<PhaseId, PhaseWork>;
  /** Objects whose bytes were checked against their ids. */
  held: Held;
  /** False if git could not read the trail to its end. */
  isWhole: boolean;
};

/** What a reading leaves for the next one to continue from. Plain data. */
export type ReadingState = {
  place: Omit<TrailPlace, 'parts'> & { parts: [string, number][] };
  judged: EntriesSoFar;
  stored: KnownBlobs;
  chain: [Sha, number][];
  work: [PhaseId, PhaseWork][];
};

/** Reads and judges commit by commit, entry by entry, up to `head`; starts after `seen`, if given. */
export async function readEntries(
  trail: AuditTrail,
  head: Sha,
  seen: ReadingState | null,
  problems: AuditProblem[],
): Promise<Read> {
  const read = await begin(trail, seen);
  for await (const commit of trailCommits(trail.dir, read.place.head, head)) {
    if (!('damaged' in commit)) {
      await readCommit(read, commit, problems);
      continue;
    }
    const what = `from here on the trail cannot be read: ${commit.why}`;
    problems.push({ entry: read.place.nextId, commit: commit.damaged, what });
    read.isWhole = false;
  }
  return read;
}

/** What the next reading needs from this one. */
export function seenIn({ place, audit, store, chain, work }: Read): ReadingState {
  return {
    place: { ...place, parts: [...place.parts] },
    judged: audit.judged,
    stored: store.known(),
    chain: [...chain],
    work: [...work],
  };
}

async function begin({ dir, genesis, root, signers, objects }: AuditTrail, seen: ReadingState | null): Promise<Read> {
  const store = auditStore(objects, seen?.stored);
  const workspace = workspaceOf(await mustRead(objects, genesis, 'commit'));
  const audit = entryAudit({ hub: dir, store, workspace, root }, seen?.judged);
  const first: TrailPlace = { head: genesis, nextId: 1, parts: new Map(), files: [], signers };
  return {
    place: seen ? { ...seen.place, parts: new Map(seen.place.parts) } : first,
    store,
    audit,
    chain: new Map(seen?.chain ?? [[genesis, 0]]),
    work: new Map(seen?.work),
    held: new Set(),
    isWhole: true,
  };
}

async function readCommit(read: Read, commit: TrailCommit, problems: AuditProblem[]): Promise<void> {
  const { sha } = commit;
  const { problems: violations, entries, next } = checkCommit(read.place, commit);
  const first = entries[0]?.id ?? read.place.nextId;
  read.store.keep(commit);
  for (const id of falseObjects(commit, read.held)) problems.push({ entry: first, commit: sha, what: falseObject(id) });
  for (const { rule, entry, what } of violations)
    problems.push({ entry: entry ?? first, commit: sha, what: `${rule}: ${what}` });
  for (const entry of entries) {
    for (const what of await read.audit.judge(entry)) problems.push({ entry: entry.id, commit: sha, what });
    noteWork(read.work, entry);
  }
  read.place = next;
  read.chain.set(sha, next.nextId - 1);
}

export function falseObject(id: Sha): string {
  return `the content of its object ${id} does not match that id`;
}

/** The commit that appended an entry. */
export function commitOf({ chain }: Read, entry: number | null): Sha | null {
  return [...chain].find(([, upTo]) => entry !== null && upTo >= entry)?.[0] ?? null;
}

/** The number of a commit's first entry; null for the trail's first commit, which has no entries. */
export function firstOf({ chain }: Read, commit: Sha): number | null {
  const at = [...chain.keys()].indexOf(commit);
  return at < 1 ? null : ([...chain.values()][at - 1] as number) + 1;
}

/** The workspace's name, from the subject of the first commit; null if that names none. */
function workspaceOf(genesis: Buffer): string | null {
  return /^init: (.+)\n/.exec(parseCommit(genesis)?.message ?? '')?.[1] ?? null;
}
