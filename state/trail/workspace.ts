// A workspace is one repository's state, kept outside it: hub, clones, runs, keys, and `workspace.json`, which records
// what the operator granted. A workspace's name belongs to one repository. A lock ensures that only one supervisor runs
// at a time; the kernel releases it when its holder dies, however it dies.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { Refused, TrailError } from '../entry/errors.ts';
import { WorkspaceName } from '../plan/config.ts';

export const toolsMax = 16;
export const hostsMax = 50;
export const stateMode = 0o700;

const AbsolutePath = z.string().refine(isAbsolute, 'an absolute path is needed');

/** A folder outside the tree; recipes may mount it read-only under this name. */
export const ToolGrant = z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/), path: AbsolutePath });
export type ToolGrant = z.infer<typeof ToolGrant>;

export const Grants = z.strictObject({
  tools: z.array(ToolGrant).max(toolsMax),
  /** `host` or `host:port`. */
  hosts: z.array(z.string().regex(/^[A-Za-z0-9.-]+(:\d+)?$/)).max(hostsMax),
  /** The socket of the Docker engine, for app recipes. Whoever has it controls the machine, so no box ever gets it. */
  docker: AbsolutePath.nullable().default(null),
});
export type Grants = z.infer<typeof Grants>;

/** Where the operator's key is: a private key file, or the public key file of a key in an ssh-agent. */
export const KeyPlace = z.strictObject({ in: z.enum(['file', 'agent']), path: AbsolutePath });
export type KeyPlace = z.infer<typeof KeyPlace>;

/** Host uids that boxes run under; used only if the supervisor is root. */
export const BoxUids = z.strictObject({
  builder: z.number().int().positive(),
  adversary: z.number().int().positive(),
  verify: z.number().int().positive(),
});
export type BoxUids = z.infer<typeof BoxUids>;

const ownKey = { publicKey: z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/]+=*$/), key: KeyPlace };

export const Workspace = z.strictObject({
  v: z.literal(1),
  name: WorkspaceName,
  /** The repository's top folder, links resolved. */
  repo: AbsolutePath,
  /** Fingerprint (`SHA256:…`) of the key that signed the trail's first commit. */
  root: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
  operator: z.strictObject({
    ...ownKey,
    /** The new key, if an act is to rotate to it: the act with this nonce. Set until that act is on the trail. */
    next: z.strictObject({ ...ownKey, nonce: z.string().regex(/^[0-9a-f]{32}$/) }).optional(),
  }),
  grants: Grants,
  /** A demo workspace may run without a sandbox, and is marked as a demo forever. */
  demo: z.boolean(),
  uids: BoxUids.nullable(),
});
export type Workspace = z.infer<typeof Workspace>;

/**
 * The parts of the environment that decide where state is. Callers pass them in; this file never reads the environment.
 */
export type StateHome = { env: { XDG_STATE_HOME?: string | undefined }; home: string; uid: number };

/** `/var/lib/coldpass/<name>` for root, else `$XDG_STATE_HOME/coldpass/<name>` (default `~/.local/state`). */
export function stateDirFor(name: string, place: StateHome): string {
  if (place.uid === 0) return join('/var/lib/coldpass', name);
  const stateHome = place.env.XDG_STATE_HOME;
  // The XDG rule: a relative value is ignored.
  const home = stateHome && isAbsolute(stateHome) ? stateHome : join(place.home, '.local', 'state');
  return join(home, 'coldpass', name);
}

export type StatePaths = ReturnType<typeof statePaths>;

/** Every path in a state directory. */
export function statePaths(stateDir: string) {
  return {
    stateDir,
    workspace: join(stateDir, 'workspace.json'),
    hub: join(stateDir, 'hub.git'),
    clones: join(stateDir, 'clones'),
    runs: join(stateDir, 'runs'),
    transcripts: join(stateDir, 'transcripts'),
    keys: join(stateDir, 'keys'),
    inbox: join(stateDir, 'inbox'),
    headsLog: join(stateDir, 'heads.log'),
    calibrations: join(stateDir, 'calibration.json'),
    auditMark: join(stateDir, 'audit.mark'),
    lock: join(stateDir, 'lock'),
  } as const;
}

/**
 * The workspace whose state is in `stateDir`; null if missing. Throws Refused if `repo` (links resolved) is given and
 * the workspace belongs to another repository, and TrailError 'bad-file' if workspace.json is invalid.
 */
export function openWorkspace(stateDir: string, repo?: string): Workspace | null {
  const file = statePaths(stateDir).workspace;
  const text = readIfThere(file);
  if (text === null) return null;
  const workspace = parseWorkspace(text, file);
  if (repo !== undefined && workspace.repo !== repo) throw new Refused(belongsTo(workspace, repo, stateDir));
  return workspace;
}

/** Creates the state directory with its folders, each 0700; keeps what is there. */
export function makeStateDir(stateDir: string): StatePaths {
  const paths = statePaths(stateDir);
  for (const dir of [stateDir, paths.clones, paths.runs, paths.transcripts, paths.keys, paths.inbox]) makeDir(dir);
  return paths;
}

/** Writes workspace.json whole or not at all: a crash leaves the old file. */
export function writeWorkspace(stateDir: string, workspace: Workspace): void {
  const file = statePaths(stateDir).workspace;
  const part = `${file}.part`;
  const fd = openSync(part, 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(Workspace.parse(workspace), null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, file);
}

export type Lock = { release(): void };

/**
 * Locks the workspace for this process. Throws Refused if another process has it. The lock is flock(2) on an open file:
 * `flock -n FD` takes the lock on a file description that it shares with this process. The lock ends when our last
 * descriptor is closed, as it also is after kill -9, so there is no stale lock to guess about. The file's content (the
 * holder's pid) is only for the message.
 */
export function lockWorkspace(stateDir: string): Lock {
  const file = statePaths(stateDir).lock;
  const fd = openSync(file, 'a+', 0o600);
  const flock = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  if (flock.status !== 0) closeSync(fd);
  if (flock.error)
    throw new TrailError('io', 'the program `flock` cannot be started; install util-linux', { cause: flock.error });
  if (flock.status !== 0)
    throw new Refused(
      `${holder(file)} already runs this workspace; stop it first (Ctrl-C where it runs, or \`coldpass down\`)`,
    );
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { release: releaser(fd) };
}

function releaser(fd: number): () => void {
  let isHeld = true;
  return () => {
    if (isHeld) closeSync(fd);
    isHeld = false;
  };
}

function holder(lockFile: string): string {
  const pid = readIfThere(lockFile)?.trim();
  return pid ? `process ${pid}` : 'another process';
}

function parseWorkspace(text: string, file: string): Workspace {
  const fix = 'restore it from a backup, or move that folder away and run `coldpass init` again';
  try {
    const parsed = Workspace.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new TrailError('bad-file', `${file}: ${issue?.path.join('.') || 'content'}: ${issue?.message}; ${fix}`);
  } catch (error) {
    if (error instanceof TrailError) throw error;
    throw new TrailError('bad-file', `${file}: not valid JSON; ${fix}`, { cause: error });
  }
}

function belongsTo(workspace: Workspace, repo: string, stateDir: string): string {
  return (
    `the name "${workspace.name}" belongs to ${workspace.repo}, but this is ${repo}; ` +
    `give this repository another \`name:\` in coldpass.yml, or, if it was moved, correct "repo" in ${statePaths(stateDir).workspace}`
  );
}

function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: stateMode });
    chmodSync(dir, stateMode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new TrailError('io', `${dir}: cannot be created (${code}); check that you may write to its parent folder`, {
      cause: error,
    });
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return null;
    throw new TrailError('io', `${file}: cannot be read (${code}); check that you may read it`, { cause: error });
  }
}
