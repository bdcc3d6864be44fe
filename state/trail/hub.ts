// The hub: a bare repository in the state directory with `main` (a copy of the operator's base), `phase/<id>` and
// `trail`. This file creates, opens and tidies it, and connects it to the operator's own repository: `syncMain` copies
// from that repository, `deliver` copies to it. The funnel writes the entries, and publish.ts takes in agents' commits.
//
// Invariant: no program but git ever runs because of what a repository contains, and the operator's hooks never run.

import { appendFile, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Refused, TrailError } from '../entry/errors.ts';
import { type PhaseId, type RunId, Sha } from '../entry/ids.ts';
import { type ObjectReader, openObjects } from '../git/catFile.ts';
import { verifyCommit } from '../git/commits.ts';
import { fetchQuietly } from '../git/fetch.ts';
import { branchHead, isAncestor, revParse } from '../git/git.ts';
import { incomingDir } from '../git/incoming.ts';
import { syncFolder } from '../git/objects.ts';
import { git, gitText, whyFailed } from '../git/process.ts';
import { childAt, fileMode, parseTree } from '../git/trees.ts';
import { type AllowedSigner, allowedSignersFile, parseAllowedSigners, principalOf } from '../keys/signers.ts';
import { fingerprintOf } from '../keys/sshsig.ts';
import { type Founding, writeGenesis } from './genesis.ts';

const allowedSignersBytesMax = 64 * 1024;
const transferSecondsMax = 600;
const trailRef = 'refs/heads/trail';

export type Hub = {
  dir: string;
  /**
   * `genesis` is the trail's first commit, signed by the operator; `root` is the fingerprint of the key that signed it.
   */
  genesis: Sha;
  root: string;
  signers: AllowedSigner[];
};

export type NewHub = Founding & {
  stateDir: string;
  /** The top folder of the operator's repository, links resolved. */
  repo: string;
  baseRef: string;
};

/** Creates `<stateDir>/hub.git`, whole or not at all. Throws Refused if it exists, or if `baseRef` is not a commit. */
export async function createHub(options: NewHub): Promise<Hub> {
  const dir = hubDir(options.stateDir);
  if (await revParse(dir, trailRef).catch(() => null)) throw new Refused(`a hub already exists: ${dir}`);
  const part = await mkdtemp(`${dir}.`);
  try {
    await gitText(part, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', part]);
    await appendFile(join(part, 'config'), hubConfig);
    await installHook(part);
    await syncMain(part, options.repo, options.baseRef);
    const genesis = await writeGenesis(part, options);
    await gitText(part, ['update-ref', '--no-deref', trailRef, genesis, '0'.repeat(40)]);
    await rename(part, dir);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(options.stateDir);
  return openHub(dir);
}

/** The hub of a state directory. */
export function hubDir(stateDir: string): string {
  return join(stateDir, 'hub.git');
}

/**
 * Checks, without writing anything, that `dir` is a hub. Throws TrailError 'bad-hub' with one line: what is wrong and
 * what to do.
 */
export async function openHub(dir: string): Promise<Hub> {
  const marker = await git(dir, ['config', '--local', 'coldpass.hub']).catch(() => null);
  if (marker?.stdout.toString().trim() !== '1') throw notHub(dir, '`coldpass init` did not make it');
  return openCopy(dir);
}

/**
 * Opens a hub, or a mirror of one (`git clone --mirror`): anything with a trail that an operator began. Only for
 * readers.
 */
export async function openCopy(dir: string): Promise<Hub> {
  const first = await git(dir, ['rev-list', '--max-parents=0', trailRef]).catch(() => null);
  const roots = first?.stdout.toString().split('\n').filter(Boolean) ?? [];
  if (first?.exit !== 0 || roots.length !== 1)
    throw notHub(dir, 'its branch `trail` is missing, broken or has two roots');
  const genesis = Sha.parse(roots[0]);
  // Uses one git process for all reads, because a hub is opened whenever somebody looks at its trail.
  const objects = openObjects(dir);
  try {
    if ((await objects.read('refs/heads/main')) === null) throw notHub(dir, 'its branch `main` is missing');
    const signers = await signersIn(objects, dir, genesis);
    const operator = signers.find((signer) => signer.principal === principalOf('operator'));
    const commit = await objects.read(genesis);
    if (operator === undefined || commit === null || verifyCommit(commit.bytes, signers) !== operator.principal) {
      throw notHub(dir, 'the first commit of its trail is not signed by the operator that it names');
    }
    return { dir, genesis, root: fingerprintOf(operator.publicKey), signers };
  } finally {
    objects.close();
  }
}

/** The keys in allowed_signers, as of this commit of the trail. */
export async function signersAt(dir: string, sha: Sha): Promise<AllowedSigner[]> {
  const objects = openObjects(dir);
  try {
    return await signersIn(objects, dir, sha);
  } finally {
    objects.close();
  }
}

async function signersIn(objects: ObjectReader, dir: string, sha: Sha): Promise<AllowedSigner[]> {
  const read = async (name: string) => (await objects.read(name))?.bytes ?? Buffer.alloc(0);
  const load = async (name: string) => parseTree(await read(name));
  const child = await childAt(await load(`${sha}^{tree}`), allowedSignersFile, load);
  const bytes = child?.mode === fileMode ? await read(child.sha) : Buffer.alloc(0);
  if (bytes.length === 0 || bytes.length > allowedSignersBytesMax)
    throw notHub(dir, `${allowedSignersFile} is missing, empty, too large or not a file in ${sha}`);
  return parseAllowedSigners(bytes.toString());
}

/**
 * Removes what a killed run left behind, and makes the hook run the code of this installation. Only the one supervisor
 * may call this.
 */
export async function tidyHub(dir: string): Promise<void> {
  // A git whose parent was killed may still be writing there; it ends when its folder is gone.
  await rm(incomingDir(dir), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  await installHook(dir);
}

/** Copies a commit, with its history, to the hub's `main`: the commit that `ref` names in the operator's repository. */
export function syncMain(dir: string, repo: string, ref: string): Promise<Sha> {
  return copyCommit(dir, repo, ref, 'refs/heads/main');
}

/**
 * Copies a commit for a trial in the same way: the ref `refs/trials/<run>` keeps it until `dropTrial`; no branch moves.
 */
export function syncTrial(dir: string, repo: string, ref: string, run: RunId): Promise<Sha> {
  return copyCommit(dir, repo, ref, `refs/trials/${run}`);
}

/** Removes a trial's ref. Does nothing if there is none. */
export async function dropTrial(dir: string, run: RunId): Promise<void> {
  await gitText(dir, ['update-ref', '--no-deref', '-d', `refs/trials/${run}`]);
}

async function copyCommit(dir: string, repo: string, ref: string, into: string): Promise<Sha> {
  const trusting = { globalConfig: await trustFile(dir, repo) };
  const sha = await revParse(repo, ref, { ...trusting, checkout: true }).catch(() => null);
  if (sha === null) throw new Refused(`«${ref}» is not a commit in ${repo}: make a first commit, or name another base`);
  const result = await git(
    dir,
    ['fetch', ...fetchQuietly, pathToFileURL(repo).href, `+${sha}:${into}`],
    // The operator's own history may contain what fsck rejects; only what comes after it is checked.
    { ...trusting, seconds: transferSecondsMax, config: { 'fetch.fsckObjects': 'false' } },
  );
  if (result.exit === 0) return sha;
  throw new TrailError('bad-hub', `${sha} of ${repo} cannot be copied: ${whyFailed(result)}`);
}

/** Creates `phase/<id>` at `base`, a commit that the hub has. Does nothing if the branch exists. */
export async function startPhase(dir: string, phase: PhaseId, base: Sha): Promise<void> {
  if ((await branchHead(dir, `phase/${phase}`)) !== null) return;
  await gitText(dir, ['update-ref', '--no-deref', `refs/heads/phase/${phase}`, base, '0'.repeat(40)]);
}

/**
 * Brings `phase/<id>` into the operator's repository as a branch of that name; git runs as that repository's owner.
 * Only fast-forwards, and only if the hub's branch is at `judged`, the commit that is DONE.
 */
export async function deliver(
  dir: string,
  repo: string,
  { phase, judged }: { phase: PhaseId; judged: Sha },
  owner: { uid: number; gid: number } | null = null,
): Promise<{ sha: Sha } | { refused: string }> {
  const branch = `refs/heads/phase/${phase}`;
  const sha = await branchHead(dir, `phase/${phase}`);
  if (sha === null) return { refused: `there is no phase/${phase} in the hub` };
  if (sha !== judged)
    return {
      refused: `phase/${phase} in the hub was moved to ${sha}, but ${judged} was judged; see: coldpass audit`,
    };
  const asOwner = { checkout: true, seconds: transferSecondsMax, ...(owner && { owner }) };
  const there = await revParse(repo, branch, asOwner);
  if (there !== null && !(await comesBefore(dir, there, sha))) {
    return {
      refused: `phase/${phase} in ${repo} is at ${there}, which is not an ancestor of ${sha}: rename it, then try again`,
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'coldpass-deliver-'));
  try {
    const bundle = join(folder, 'bundle');
    await gitText(dir, ['bundle', 'create', '--quiet', bundle, branch], { seconds: transferSecondsMax });
    await chmod(folder, 0o711);
    await chmod(bundle, 0o644);
    const result = await git(repo, ['fetch', ...fetchQuietly, bundle, `${branch}:${branch}`], asOwner);
    if (result.exit !== 0) return { refused: `git cannot put phase/${phase} into ${repo}: ${whyFailed(result)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { sha };
}

// `fsync = committed`: objects, packs and references reach the disk; git can rebuild the rest. `unpackLimit = 1` keeps
// received packs whole: a clone from loose objects takes five times as long.
const hubConfig = `[coldpass]
\thub = 1
[core]
\tfsync = committed
\tlogAllRefUpdates = false
\tfilesRefLockTimeout = 2000
[gc]
\tauto = 0
[transfer]
\tfsckObjects = true
\tunpackLimit = 1
[receive]
\tdenyNonFastForwards = true
\tdenyDeletes = true
\tautogc = false
`;

// The hook runs this installation's hook.ts on the current node, with an empty environment, since the pusher controls
// the environment that the hook gets.
function hookShim(): string {
  const hook = join(import.meta.dirname, `hook${extname(import.meta.filename)}`);
  const words = ['/usr/bin/env', '-i', process.execPath, hook].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `#!/bin/sh\nexec ${words.join(' ')} "$(pwd -P)" "$GIT_OBJECT_DIRECTORY" "$GIT_ALTERNATE_OBJECT_DIRECTORIES"\n`;
}

async function installHook(dir: string): Promise<void> {
  const hooks = join(dir, 'hooks');
  await mkdir(hooks, { recursive: true });
  const part = join(hooks, 'pre-receive.part');
  await writeFile(part, hookShim(), { mode: 0o755 });
  await rename(part, join(hooks, 'pre-receive'));
}

// Git reads another user's repository only if a configuration file allows it, and this is the only such file that
// reaches the remote side of a fetch.
async function trustFile(dir: string, repo: string): Promise<string> {
  const file = join(dir, 'operator.gitconfig');
  const quoted = (path: string) => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  await writeFile(file, `[safe]\n\tdirectory = ${quoted(repo)}\n\tdirectory = ${quoted(join(repo, '.git'))}\n`);
  return file;
}

async function comesBefore(dir: string, sha: Sha, later: Sha): Promise<boolean> {
  return (await revParse(dir, sha)) !== null && isAncestor(dir, sha, later);
}

function notHub(dir: string, why: string): TrailError {
  return new TrailError(
    'bad-hub',
    `${dir} is not a Coldpass hub: ${why}; restore it from a backup, or run \`coldpass init\` again`,
  );
}
