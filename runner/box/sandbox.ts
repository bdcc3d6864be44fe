// The interface of the sandbox: every stage, hook and reproducer, and every shell or file tool of an agent, runs in one
// of its boxes. There are two implementations: `bubblewrap` (the real one) and `unboxed` (for a demo; protects
// nothing). `openSandbox` fails closed. In a real box, the tree is at /tree and HOME is /home/agent on every machine;
// of the host, a box sees only its system programs and the mounted folders.

import type { Readable, Writable } from 'node:stream';
import type { Digest } from '../../state/entry/ids.ts';

export type BoxRole = 'builder' | 'adversary' | 'verify';

/**
 * A host folder shown in the box. `source` is the absolute path of a real folder, without links, and boxed code can
 * change none of its parents. `target` is absolute, outside the profile's own folders and not inside another mount.
 */
export type Mount = { source: string; target: string; mode: 'ro' | 'rw' };

/** A granted tool folder: read-only at its own path, with its `bin` (or itself, if it has none) on PATH. */
export type ToolFolder = { name: string; path: string };

/** `diskMb` limits each written file, /tmp and HOME; `seconds` limits wall time, and CPU time per process and core. */
export type BoxLimits = { memoryMb: number; processes: number; diskMb: number; seconds: number };

export type BoxCommand = {
  role: BoxRole;
  /** The program (found on the box's PATH) and its arguments. */
  argv: string[];
  /** A folder inside the box. If it is missing the command fails with 126: a claim may have removed it. */
  workdir: string;
  mounts: Mount[];
  /** Set in addition to PATH, HOME, LANG, TMPDIR and USER; no variable is inherited. */
  env: Record<string, string>;
  tools: ToolFolder[];
  /** `host` (ports 80 and 443) or `host:port`, already granted. Empty: no network at all. */
  hosts: string[];
  limits: BoxLimits;
  /** Mounts our own node: for the kit's programs (see `Sandbox.kit`) and an app's hooks and tests. Never for agents. */
  kit?: true;
};

/**
 * How a box ended. `started`: the command's process existed; if false the box could not be made, whatever `exit` is,
 * and standard error has the reason. A command that died by a signal has `exit` 128+n and the signal's name; a box that
 * was killed from outside (after a stop, timeout or abort) has `exit: null`.
 */
export type BoxEnd = {
  started: boolean;
  exit: number | null;
  signal: string | null;
  timedOut: boolean;
  /** A memory limit was hit (seen from outside); false if this machine cannot see that. */
  outOfMemory: boolean;
  /** Something in the box could not be killed: a leak. */
  survived: boolean;
};

/**
 * A running box. Its raw streams must be read, or the command blocks. `done` never rejects, and resolves only once no
 * process of the box is left (output may still wait in the streams: collect it too). `stop` sends SIGTERM to the
 * command and kills everything after `graceMs`; it may be called repeatedly and resolves with `done`.
 */
export interface RunningBox {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  done: Promise<BoxEnd>;
  stop(graceMs: number): Promise<BoxEnd>;
  /** Host pid of the box's first process; null if the box was never made. */
  hostPid: Promise<number | null>;
  /** What the proxy denied, in words; at most `denialsMax` items. */
  denials(): string[];
}

export type BoxOwner = { uid: number; gid: number };

/** Our own programs inside the box, for the `argv` of a command with `kit: true`. */
export type Kit = { node: string; files: string };

export interface Sandbox {
  level: 'bubblewrap' | 'none';
  /** `own`: each role has its own host user. `shared`: boxes run as the supervisor's user. */
  uid: 'own' | 'shared';
  /** Tries known escapes, in boxes of every role. */
  selfTest(): Promise<SelfTest>;
  /** Rejects with RunnerError `bad-request` if no box may run the command. Aborting `signal` stops the box at once. */
  start(command: BoxCommand, signal: AbortSignal): Promise<RunningBox>;
  /** Who owns what the role's boxes write; null if that is the supervisor's user. */
  owner(role: BoxRole): BoxOwner | null;
  /** Makes the role the owner of a tree, without following links. Only for trees that no boxed code has touched yet. */
  give(role: BoxRole, dir: string): Promise<void>;
  /** Where a command finds `path`, a path under a mount's target: the same or, without boxes, under the source. */
  inside(mounts: Mount[], path: string): string;
  kit: Kit;
  /** Ends every box and leaves nothing behind. May be called twice. */
  close(): Promise<void>;
}

/** `digest` covers level, uid, and each check's role, name and outcome; every run's record has it. */
export type SelfTest = {
  level: 'bubblewrap' | 'none';
  uid: 'own' | 'shared';
  held: boolean;
  checks: EscapeCheck[];
  digest: Digest;
  ms: number;
};

/** One escape attempt. `saw` is 'held', or what was seen instead. */
export type EscapeCheck = { role: BoxRole; name: string; held: boolean; saw: string };
