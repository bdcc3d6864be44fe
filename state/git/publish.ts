// How an agent's commits reach the hub. A box writes a bundle (`bundleArgv`). The bundle is unpacked and checked in a
// separate store that no ref names. Then what the new head needs, and nothing else, is packed into the hub, and
// `phase/<id>` moves by compare-and-swap. Outside the box, git never runs in the agent's clone. `tidyHub` removes what
// a killed process leaves.
//
//   bundle ──index-pack --strict──▶ incoming/<random>/objects ──judge──▶ pack-objects ──▶ hub ──update-ref──▶ phase/<id>

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../entry/errors.ts';
import type { PhaseId, Sha } from '../entry/ids.ts';
import { type Bundle, openBundle } from './bundle.ts';
import { branchHead, isAncestor, revParse } from './git.ts';
import { incomingDir, judgeIncoming } from './incoming.ts';
import { syncFolder } from './objects.ts';
import { type GitOptions, type GitResult, git, gitText, whyFailed } from './process.ts';

export const publishLimits = {
  bundleBytesMax: 256 * 1024 * 1024,
  fileBytesMax: 32 * 1024 * 1024,
  bytesMax: 512 * 1024 * 1024,
  filesMax: 50_000,
  commitsMax: 2_000,
};
export type PublishLimits = typeof publishLimits;

const unpackSeconds = 120;
const unpackBounds = { memoryBytesMax: 2 * 1024 ** 3, fileBytesMax: 2 * 1024 ** 3 };

export type Publication = {
  hub: string;
  bundlePath: string;
  phase: PhaseId;
  /** Where the caller expects `phase/<id>` to be. */
  expectedOld: Sha;
  /** True while DONE is judged: the branch must not move. */
  frozen?: boolean;
  limits?: Partial<PublishLimits>;
};

/**
 * The command with which a box writes a bundle to stdout; `known` is the head of `phase/<id>`. Exits 128 if nothing is
 * new.
 */
export function bundleArgv(known: Sha): string[] {
  return ['git', 'bundle', 'create', '--quiet', '-', 'HEAD', `^${known}`];
}

/**
 * Moves `phase/<id>` to the bundle's HEAD, durably. If it refuses, it changes nothing and returns the reason, worded
 * for the model.
 */
export async function receiveBundle(publication: Publication): Promise<{ sha: Sha } | { refused: string }> {
  const limits = { ...publishLimits, ...publication.limits };
  let bundle: Bundle | null = null;
  try {
    await checkBranch(publication);
    bundle = await openBundle(publication.bundlePath, limits.bundleBytesMax);
    return { sha: await take(publication, bundle, limits) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  } finally {
    await bundle?.close();
  }
}

async function checkBranch({ hub, phase, expectedOld, frozen }: Publication): Promise<void> {
  const branch = `phase/${phase}`;
  if (frozen) throw new Refused(`${branch} may not move while its DONE is judged: withdraw that claim first`);
  const head = await branchHead(hub, branch);
  if (head === null) throw new Refused(`there is no ${branch}: the phase is not open`);
  if (head !== expectedOld)
    throw new Refused(`${branch} moved to ${head} meanwhile: fetch it, rebase and publish again`);
}

async function take(publication: Publication, bundle: Bundle, limits: PublishLimits): Promise<Sha> {
  const { hub, phase, expectedOld } = publication;
  await mkdir(incomingDir(hub), { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(incomingDir(hub), 'b-'));
  try {
    const objects = { directory: join(folder, 'objects'), alternates: join(hub, 'objects') };
    await mkdir(join(objects.directory, 'pack'), { recursive: true });
    await unpack(hub, bundle, { objects });
    await checkForward(publication, bundle.head, { objects });
    await judgeIncoming(hub, bundle.head, limits, { objects });
    await keep(hub, bundle.head, expectedOld, { objects });
    await moveBranch(hub, phase, expectedOld, bundle.head);
    return bundle.head;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function unpack(hub: string, bundle: Bundle, options: GitOptions): Promise<void> {
  for (const sha of bundle.prerequisites) {
    if ((await revParse(hub, sha)) === null)
      throw new Refused(`the bundle builds on ${sha}, which the hub does not have`);
  }
  const result = await git(hub, ['index-pack', '--stdin', '--fix-thin', '--strict=badFilemode=error'], {
    ...options,
    input: bundle.pack(),
    seconds: unpackSeconds,
    bounds: unpackBounds,
    // Git streams larger blobs and never keeps them in memory.
    config: { 'core.bigFileThreshold': '16m' },
  });
  if (result.exit !== 0) throw new Refused(`git refuses the bundle: ${objectProblem(result)}`);
}

async function checkForward({ hub, phase, expectedOld }: Publication, head: Sha, options: GitOptions): Promise<void> {
  if ((await revParse(hub, head, options)) !== head)
    throw new Refused('the bundle’s HEAD is not a commit that it contains');
  if (await isAncestor(hub, head, expectedOld, options))
    throw new Refused(`nothing new: phase/${phase} already has ${head}`);
  if (await isAncestor(hub, expectedOld, head, options)) return;
  throw new Refused(`not a fast-forward of phase/${phase} at ${expectedOld}: rebase onto it and publish again`);
}

/** Packs into the hub exactly what the new head needs; the rest of the bundle is left out. */
async function keep(hub: string, head: Sha, old: Sha, options: GitOptions): Promise<void> {
  const packs = join(hub, 'objects', 'pack');
  const args = ['pack-objects', '--quiet', '--revs', '--delta-base-offset', join(packs, 'pack')];
  await gitText(hub, args, { ...options, input: `${head}\n^${old}\n`, seconds: unpackSeconds });
  await syncFolder(packs);
}

async function moveBranch(hub: string, phase: PhaseId, old: Sha, head: Sha): Promise<void> {
  const ref = `refs/heads/phase/${phase}`;
  const result = await git(hub, ['update-ref', '--no-deref', ref, head, old]);
  if (result.exit !== 0) throw new Refused(`phase/${phase} moved meanwhile: publish again`);
  await syncFolder(join(hub, 'refs', 'heads', 'phase'));
}

// Reports only the line with fsck's error: that line names the object, then the fault in camel case.
function objectProblem(result: GitResult): string {
  if (result.cut !== null) return whyFailed(result);
  const line = result.stderr.split('\n').find((one) => /^(error|fatal): /.test(one)) ?? 'it is damaged';
  return line.replace(/^(error|fatal): /, '').slice(0, 300);
}
