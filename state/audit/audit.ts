// The audit: reads a trail from its first commit and trusts nothing that it can check. Checks signatures, prefixes,
// framing and order by the rule of the hub's hook, entries by the supervisor's rules, runs by their records, claims by
// git, and gates by the pure rule that the supervisor uses. Works offline, with only git and Node. A bad trail is a
// result, never an error.

import { Refused, TrailError } from '../entry/errors.ts';
import type { Sha } from '../entry/ids.ts';
import { parseCommit } from '../git/commits.ts';
import { mustRead, mustReadTree, type ObjectStore, objectStore } from '../git/objects.ts';
import { folderMode } from '../git/trees.ts';
import { allowedSignersFile, sharedKey } from '../keys/signers.ts';
import { readmeFile } from '../trail/genesis.ts';
import { type Hub, openCopy } from '../trail/hub.ts';
import { findBreak, isMarkedHub, trailHead } from './damage.ts';
import { type AuditPhase, phasesOf } from './gates.ts';
import { workFaults } from './git.ts';
import { type Mark, readMark, writeMark } from './mark.ts';
import { type AuditProblem, commitOf, falseObject, firstOf, type Read, readEntries, seenIn } from './read.ts';
import { entryInLog, tailFaults } from './tail.ts';
import { type AuditTrail, branchHeads, falseRest, listObjects } from './trail.ts';

/** Problems beyond this number are counted, not listed. */
export const problemsMax = 200;

export type AuditOptions = {
  /** The bare repository. */
  hub: string;
  /** Fingerprint (`SHA256:…`) of the key that must have signed the first commit. */
  root?: string;
  /** A full commit id that somebody wrote down: the trail must contain it. */
  head?: string;
  /** Path of the `heads.log` beside the hub. */
  headsLog?: string;
  /** The file that records how far an audit without problems came; see `mark.ts`. */
  mark?: string;
  /** If true, and if there is a mark that fits, checks only what came after the mark. */
  sinceMark?: boolean;
};

export type AuditReport = {
  ok: boolean;
  entries: number;
  commits: number;
  head: Sha | null;
  /** `assumed` if no fingerprint was given; null if the first commit cannot be read. */
  root: { fingerprint: string | null; assumed: boolean };
  /** `witnessed` if a commit or heads.log was given and the trail agrees with it. */
  tail: 'witnessed' | 'unwitnessed';
  phases: AuditPhase[];
  /** In the order of their entries; problems without an entry come last. */
  problems: AuditProblem[];
  /** Entries up to `entry` had no problems at the time `at` and were not checked again; null if all were checked. */
  since: { entry: number; head: Sha; at: string } | null;
  /** Why the mark was not used, or could not be written. */
  notes: string[];
};

/** Audits a hub. Rejects with TrailError 'bad-hub' if there is no hub at that path, 'io' if git cannot be started. */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  let hub: Hub;
  try {
    hub = await openCopy(options.hub);
  } catch (error) {
    if (!(error instanceof TrailError || error instanceof Refused) || !(await isMarkedHub(options.hub))) throw error;
    return damagedReport(options, error);
  }
  const objects = objectStore(hub.dir);
  try {
    return await auditTrail({ ...hub, objects, heads: await branchHeads(hub.dir) }, options);
  } finally {
    objects.close();
  }
}

async function auditTrail(trail: AuditTrail, options: AuditOptions): Promise<AuditReport> {
  const head = trail.heads.get('trail') as Sha;
  const notes: string[] = [];
  const mark = await usedMark(trail, head, options, notes);
  const problems = rootProblems(trail, options);
  const listing = listObjects(trail.dir, mark?.seen.place.head ?? null, head).catch((error: TrailError) => error);
  if (mark === null) problems.push(...(await genesisProblems(trail)));
  const read = await readEntries(trail, head, mark?.seen ?? null, problems);
  if (read.isWhole) problems.push(...(await restProblems(trail, head, read, await listing)));
  problems.push(...(await workProblems(trail, read, mark)));
  const tail = read.isWhole ? await tailFaults(read, options) : [];
  for (const { entry, what } of tail) problems.push({ entry, commit: null, what });
  if (problems.length === 0 && options.mark !== undefined) await keep(options.mark, trail, read, notes);
  const isWitnessed = options.head !== undefined || options.headsLog !== undefined;
  return {
    ok: problems.length === 0,
    entries: read.place.nextId - 1,
    commits: read.chain.size,
    head,
    root: { fingerprint: trail.root, assumed: options.root === undefined },
    tail: isWitnessed && tail.length === 0 && read.isWhole ? 'witnessed' : 'unwitnessed',
    phases: phasesOf(read.audit.judged, read.work),
    problems: inOrder(problems),
    since: mark && { entry: mark.seen.place.nextId - 1, head: mark.seen.place.head, at: mark.at },
    notes,
  };
}

/** The mark to start from; null if none was asked for, or it does not fit. */
async function usedMark(hub: Hub, head: Sha, { mark, sinceMark }: AuditOptions, notes: string[]): Promise<Mark | null> {
  if (!sinceMark) return null;
  const read = mark === undefined ? { why: 'no mark is kept for this hub' } : await readMark(mark, hub, head);
  if ('seen' in read) return read;
  notes.push(`checked the whole trail: ${read.why}`);
  return null;
}

async function keep(file: string, hub: Hub, read: Read, notes: string[]): Promise<void> {
  try {
    await writeMark(file, hub, seenIn(read));
  } catch (error) {
    notes.push(`could not record how far this audit came: ${(error as Error).message}`);
  }
}

function rootProblems({ root, genesis }: Hub, options: AuditOptions): AuditProblem[] {
  if (options.root === undefined || options.root === root) return [];
  const what = `the first commit was signed by ${root}, not by ${options.root}: this is another trail`;
  return [{ entry: null, commit: genesis, what }];
}

/**
 * Problems of the first commit, which the commit rule does not cover: that commit may contain only keys and a readme,
 * and so nothing that could pass for a record.
 */
async function genesisProblems({ genesis, signers, objects }: AuditTrail): Promise<AuditProblem[]> {
  const tree = parseCommit(await mustRead(objects, genesis, 'commit'))?.tree as Sha;
  const strange = (await pathsIn(objects, tree)).find((path) => path !== allowedSignersFile && path !== readmeFile);
  const shared = sharedKey(signers);
  const whats = [
    ...(strange === undefined ? [] : [`the first commit contains ${strange}, which does not belong there`]),
    ...(shared === null ? [] : [shared]),
  ];
  return whats.map((what) => ({ entry: null, commit: genesis, what }));
}

async function pathsIn(objects: ObjectStore, tree: Sha, folder = ''): Promise<string[]> {
  const children = [...(await mustReadTree(objects, tree))];
  const paths = children.map(([name, { mode, sha }]) =>
    mode === folderMode ? pathsIn(objects, sha, `${folder}${name}/`) : [`${folder}${name}`],
  );
  return (await Promise.all(paths)).flat();
}

/** The commit rule does not look at folders (git trees), but entries and records depend on them. */
async function restProblems(
  { objects }: AuditTrail,
  head: Sha,
  read: Read,
  listing: string | TrailError,
): Promise<AuditProblem[]> {
  if (listing instanceof Error) return [{ entry: null, commit: head, what: listing.message }];
  try {
    const objectsByCommit = await falseRest(objects, listing, read.held);
    return [...objectsByCommit].map(([commit, id]) => ({
      entry: firstOf(read, commit),
      commit,
      what: falseObject(id),
    }));
  } catch (error) {
    if (!(error instanceof TrailError)) throw error;
    return [{ entry: null, commit: head, what: error.message }];
  }
}

async function workProblems(trail: AuditTrail, read: Read, mark: Mark | null): Promise<AuditProblem[]> {
  const upTo = (mark?.seen.place.nextId ?? 1) - 1;
  const problems: AuditProblem[] = [];
  for (const work of read.work.values()) {
    const cannot = (error: Error) => [{ entry: work.opened, what: `its work cannot be checked: ${error.message}` }];
    const faults = await workFaults(trail, work, upTo).catch(cannot);
    problems.push(...faults.map(({ entry, what }) => ({ entry, commit: commitOf(read, entry), what })));
  }
  return problems;
}

function inOrder(problems: AuditProblem[]): AuditProblem[] {
  const rank = ({ entry }: AuditProblem) => entry ?? Number.POSITIVE_INFINITY;
  const sorted = problems.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  if (sorted.length <= problemsMax) return sorted;
  const more = { entry: null, commit: null, what: `and ${sorted.length - problemsMax} more problems` };
  return [...sorted.slice(0, problemsMax), more];
}

async function damagedReport(options: AuditOptions, error: Error): Promise<AuditReport> {
  const head = await trailHead(options.hub);
  const broken = head === null ? null : await findBreak(options.hub, head).catch(() => null);
  const what =
    broken === null ? error.message : `${broken.what}, so nothing before it can be judged (${error.message})`;
  const entry = broken && (broken.entry ?? (await entryInLog(options.headsLog, broken.commit)));
  return {
    ok: false,
    entries: 0,
    commits: 0,
    head,
    root: { fingerprint: null, assumed: options.root === undefined },
    tail: 'unwitnessed',
    phases: [],
    problems: [{ entry, commit: broken?.commit ?? null, what }],
    since: null,
    notes: [],
  };
}
