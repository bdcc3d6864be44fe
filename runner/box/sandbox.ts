// The one sandbox profile: every stage, hook, reproducer and every file or shell tool of an agent runs in a box made here.
// Two makers: `bubblewrap` (the real one) and `unboxed` (a demo's, which protects nothing). `openSandbox` fails closed.
// Inside, the tree lies at /tree and HOME is /home/agent, whatever the machine; nothing else of the host is there.

import type { Readable, Writable } from 'node:stream';
import type { Digest } from '../../state/entry/ids.ts';

export type BoxRole = 'builder' | 'adversary' | 'verify';

/**
 * A folder of the host, shown in the box. `source`: absolute, a real folder (no link in its path), with every parent
 * out of reach of boxed code. `target`: absolute, outside the profile's own folders and not inside another mount.
 */
export type Mount = { source: string; target: string; mode: 'ro' | 'rw' };

/** A granted tool folder: read-only at its own path, its `bin` (or, without one, itself) on PATH. */
export type Tool = { name: string; path: string };

/** `diskMb` bounds each file that is written, and /tmp and HOME; `seconds` is wall time and, per process, CPU time. */
export type BoxLimits = { memoryMb: number; processes: number; diskMb: number; seconds: number };

export type BoxCommand = {
  role: BoxRole;
  /** The program (found on the box's PATH) and its arguments. */
  argv: string[];
  /** A folder inside the box. Where it is missing the command "fails" with 126: a claim may have removed it. */
  workdir: string;
  mounts: Mount[];
  /** Added to PATH, HOME, LANG, TMPDIR, USER; nothing is inherited. */
  env: Record<string, string>;
  tools: Tool[];
  /** `host` (ports 80 and 443) or `host:port`, already granted. Empty: no network at all. */
  hosts: string[];
  limits: BoxLimits;
  /** Binds our own node: for the programs of the kit (see `Sandbox.kit`), and for an app's hooks and tests. Never for agents. */
  kit?: true;
};

/**
 * How a box ended. `started`: the command's process was there; false means that the box could not be made, whatever
 * `exit` says, and standard error tells why. A death by signal shows as `exit` 128+n with the signal's name;
 * a box that was killed from outside (stop, timeout, abort) has no exit.
 */
export type BoxEnd = {
  started: boolean;
  exit: number | null;
  signal: string | null;
  timedOut: boolean;
  /** A memory limit was hit (seen from outside); false where the machine cannot tell. */
  outOfMemory: boolean;
  /** Something of the box could not be ended: a leak. */
  survived: boolean;
};

/**
 * A running box. The streams are plain and must be read, or the command blocks. `done` never rejects, and resolves only
 * once no process of the box is left (output may still wait in the streams: collect it as well). `stop`: SIGTERM to the
 * command, then after `graceMs` the end of everything; may be called often, resolves with `done`.
 */
export interface Boxed {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  done: Promise<BoxEnd>;
  stop(graceMs: number): Promise<BoxEnd>;
  /** The box's first process as the host numbers it; null if the box was never made. */
  hostPid: Promise<number | null>;
  /** What the proxy turned down, in words, at most `denialsMax`. */
  denials(): string[];
}

export type Owner = { uid: number; gid: number };

/** Programs of our own inside the box, for `BoxCommand.argv` of a command with `kit: true`. */
export type Kit = { node: string; files: string };

export interface Sandbox {
  level: 'bubblewrap' | 'none';
  /** `own`: each role has a host user of its own. `shared`: boxes run as the supervisor's user. */
  uid: 'own' | 'shared';
  /** Tries the escapes, in boxes of every role. */
  selfTest(): Promise<SelfTest>;
  /** Rejects with RunnerError `bad-request` for a command no box may have. Aborting `signal` stops the box at once. */
  start(command: BoxCommand, signal: AbortSignal): Promise<Boxed>;
  /** Who owns what the role's boxes write, where that is not the supervisor's user. */
  owner(role: BoxRole): Owner | null;
  /** Makes a tree the role's own (links as links). Only for trees that no boxed code has touched yet. */
  give(role: BoxRole, dir: string): Promise<void>;
  /** Where the box sees a path of the mounts; the sandbox without boxes shows the source itself. */
  inside(mounts: Mount[], path: string): string;
  kit: Kit;
  /** Ends every box and leaves nothing behind. May be called twice. */
  close(): Promise<void>;
}

/** `digest` covers level, uid, and each check's role, name and outcome: it goes into every run's record. */
export type SelfTest = {
  level: 'bubblewrap' | 'none';
  uid: 'own' | 'shared';
  held: boolean;
  checks: Check[];
  digest: Digest;
  ms: number;
};

/** One escape tried. `saw` is 'held', or what was seen instead. */
export type Check = { role: BoxRole; name: string; held: boolean; saw: string };
