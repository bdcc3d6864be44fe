// Who may write what, and where: one table, which the funnel, the hub's hook and the audit all read. A place is a file
// of the trail and the roles that sign there; `<id>` stands for the phase.

import type { Entry, Facts, Kind } from './entry.ts';
import { Refused } from './errors.ts';
import { PhaseId, type Role } from './ids.ts';

export { subjectFor } from './subject.ts';

/** An entry that would make a file longer than this starts the next part of that file. */
export const sealBytes = 64 * 1024;

const folder = 'machine-docs/';
const agents: Role[] = ['builder', 'adversary'];
const loop: Role[] = ['supervisor', 'runner', 'builder', 'adversary'];

type Place = { file: string; signers: Role[] };

/** Where entries of each kind are written. `close` has no place here: it is written to the file of its target. */
const places: Record<Exclude<Kind, 'close'>, Place[]> = {
  phase: [{ file: 'STATUS-<id>.md', signers: ['supervisor'] }],
  session: [{ file: 'SESSIONS-<id>.md', signers: ['supervisor'] }],
  run: [{ file: 'RUNS-<id>.md', signers: ['runner'] }],
  claim: [{ file: 'STATUS-<id>.md', signers: ['builder'] }],
  blocked: [{ file: 'STATUS-<id>.md', signers: ['builder'] }],
  note: [
    { file: 'STATUS-<id>.md', signers: ['builder'] },
    { file: 'REVIEW-<id>.md', signers: ['adversary'] },
  ],
  item: [{ file: 'BACKLOG-<id>.md', signers: ['builder'] }],
  journal: [{ file: 'JOURNAL-<id>.md', signers: ['builder'] }],
  verdict: [{ file: 'REVIEW-<id>.md', signers: ['adversary'] }],
  advice: [{ file: 'REVIEW-<id>.md', signers: ['adversary'] }],
  sabotage: [{ file: 'REVIEW-<id>.md', signers: ['adversary'] }],
  finding: [{ file: 'BACKLOG-<id>.md', signers: ['adversary'] }],
  veto: [{ file: 'REVIEW-<id>.md', signers: ['adversary'] }],
  decision: [{ file: 'DECISIONS.md', signers: agents }],
  deferral: [{ file: 'DEFERRED.md', signers: agents }],
  reentry: [{ file: 'DEFERRED.md', signers: ['supervisor'] }],
  act: [{ file: 'OPERATOR.md', signers: ['operator'] }],
  refusal: [{ file: 'OPERATOR.md', signers: ['supervisor'] }],
};

/**
 * Files without entries. The first commit writes `allowed_signers`; later only an act changes it (see `commitRule.ts`).
 */
const stored: { path: RegExp; signers: Role[] }[] = [
  { path: /^blobs\/[0-9a-f]{64}$/, signers: loop },
  { path: /^runs\/r-[0-9a-f]{12}\/results\.json$/, signers: ['runner'] },
  { path: /^plan-phase-[a-z0-9][a-z0-9-]{0,40}\.md$/, signers: ['supervisor'] },
  { path: /^allowed_signers$/, signers: ['supervisor'] },
];

/** The roles that may write entries of this kind. An act counts as the operator's, whoever commits it. */
export function signersOf<K extends Kind>(kind: K, _facts?: Facts<K>): Role[] {
  if (kind === 'close') return agents;
  return places[kind as Exclude<Kind, 'close'>].flatMap((place) => place.signers);
}

/**
 * The role whose key signs the commit. An operator's act contains the operator's own signature, so the supervisor
 * commits it.
 */
export function committerOf(role: Role): Role {
  return role === 'operator' ? 'supervisor' : role;
}

/**
 * The file of an entry, without part number: `machine-docs/STATUS-mailu.md`. A `close` needs `targetFile`, the file of
 * its target (any part of it). Throws Refused if the role has no place for this kind, or if the phase is missing.
 */
export function fileFor(entry: Pick<Entry, 'kind' | 'role' | 'phase'>, targetFile?: string): string {
  const { kind, role, phase } = entry;
  if (kind === 'close') return placeOfClose(entry, targetFile);
  const place = places[kind].find((one) => one.signers.includes(role));
  if (place === undefined)
    throw new Refused(`a ${kind} is written by ${signersOf(kind).join(' or ')}, not by the ${role}`);
  if (phase === null && place.file.includes('<id>')) throw new Refused(`a ${kind} belongs to a phase: name it`);
  return `${folder}${place.file.replace('<id>', phase ?? '')}`;
}

/** Part n of a file: `STATUS-mailu.md`, `STATUS-mailu.2.md`, … */
export function sealedName(file: string, n: number): string {
  return n <= 1 ? file : file.replace(/\.md$/, `.${n}.md`);
}

/**
 * The file that `path` is a part of, and the number of that part; null if `path` is not part of a known file of
 * entries.
 */
export function partOf(path: string): { file: string; n: number } | null {
  const match = /^machine-docs\/([^/.]+)(?:\.([1-9]\d{0,5}))?\.md$/.exec(path);
  if (!match?.[1] || match[2] === '1') return null;
  const file = `${match[1]}.md`;
  const isKnown = Object.values(places).some((kind) => kind.some((place) => fits(place.file, file)));
  return isKnown ? { file: `${folder}${file}`, n: Number(match[2] ?? 1) } : null;
}

/** True if commits signed by `role` may touch `path`. `misplaced` checks which entries they may write to it. */
export function mayWrite(path: string, role: Role): boolean {
  if (!path.startsWith(folder)) return false;
  const name = path.slice(folder.length);
  const file = stored.find((one) => one.path.test(name));
  if (file) return file.signers.includes(role);
  const part = partOf(path);
  if (part === null) return false;
  const base = part.file.slice(folder.length);
  const here = Object.values(places).flatMap((kind) => kind.filter((place) => fits(place.file, base)));
  return here.some((place) => place.signers.some((signer) => committerOf(signer) === role));
}

/**
 * Null if a commit that `signer` signed may have the entry in the file `path`, else why not. A `close` needs
 * `targetFile`.
 */
export function misplaced(entry: Entry, path: string, signer: Role, targetFile?: string): string | null {
  const part = partOf(path);
  if (part === null) return `${path} is not a file of entries`;
  if (!signersOf(entry.kind).includes(entry.role))
    return `#${entry.id}: the ${entry.role} may not write a ${entry.kind}`;
  if (committerOf(entry.role) !== signer) return `#${entry.id} is the ${entry.role}'s, but the ${signer} signed it`;
  try {
    const file = fileFor(entry, targetFile);
    return file === part.file ? null : `#${entry.id} belongs in ${file}, not in ${path}`;
  } catch (error) {
    if (error instanceof Refused) return `#${entry.id}: ${error.message}`;
    throw error;
  }
}

function placeOfClose({ role }: Pick<Entry, 'role'>, targetFile: string | undefined): string {
  if (targetFile === undefined)
    throw new Refused("a close is written to its target's file, but there is no such target");
  const part = partOf(targetFile);
  if (part === null || !mayWrite(part.file, role))
    throw new Refused(`the ${role} has nothing to close in ${targetFile}`);
  return part.file;
}

function fits(pattern: string, file: string): boolean {
  const [before, after] = pattern.split('<id>');
  if (after === undefined) return pattern === file;
  const isFramed = file.startsWith(before ?? '') && file.endsWith(after);
  return isFramed && PhaseId.safeParse(file.slice(before?.length, file.length - after.length)).success;
}
