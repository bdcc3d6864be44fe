// Starts git for all of this program but `checkout.ts`. No setting of the machine or of a repository affects git: empty
// HOME, no system or global configuration, no inherited GIT_*, no hooks, prompts, pagers, replace refs or remote
// helpers, only the `file` protocol, and limits on time and output. A failed command returns a result; a git that
// cannot be started is an error. Uses node:child_process because callers need bytes, an exit code, two hard limits, and
// streams in the same environment; simple-git decodes, throws on stderr, and rejects the GIT_* settings that make this
// safe.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { TrailError } from '../entry/errors.ts';

export const gitSecondsDefault = 120;
export const gitOutputBytesDefault = 16 * 1024 * 1024;
const stderrBytesMax = 64 * 1024;

export type GitOptions = {
  /** Git's stdin; a stream is read to its end or until git ends. */
  input?: Uint8Array | string | Readable;
  seconds?: number;
  outputBytesMax?: number;
  signal?: AbortSignal;
  /** Where new objects are written, and which other stores are read: a quarantine on top of the hub. */
  objects?: { directory: string; alternates: string };
  /**
   * Replaces the global configuration file, the only place from which `safe.directory` reaches the remote side of a
   * fetch.
   */
  globalConfig?: string;
  /** Limits on memory and on the size of any file written, for commands that unpack a pack from a stranger. */
  bounds?: { memoryBytesMax: number; fileBytesMax: number };
  env?: Record<string, string>;
  /** True if `dir` is a checkout; git then finds its git directory by itself. */
  checkout?: boolean;
  /** Runs as this user of the machine; only root can do that. */
  owner?: { uid: number; gid: number };
  /** Further settings; they override the repository's own. */
  config?: Record<string, string>;
};

/** `exit` is null if a signal or a limit ended git; `cut` names the limit. */
export type GitResult = { exit: number | null; stdout: Buffer; stderr: string; cut: 'time' | 'output' | null };

/** Runs git on the git directory `dir` (a bare repository, or a `.git`) and waits. Rejects only if git cannot be started. */
export function git(dir: string, args: string[], options: GitOptions = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = startGit(dir, args, options);
    let cut: GitResult['cut'] = null;
    const end = (why: GitResult['cut']) => {
      cut ??= why;
      endGit(child);
    };
    const timer = setTimeout(() => end('time'), (options.seconds ?? gitSecondsDefault) * 1000);
    const abort = () => end(null);
    if (options.signal?.aborted) abort();
    options.signal?.addEventListener('abort', abort, { once: true });
    const stdout = gather(child.stdout, options.outputBytesMax ?? gitOutputBytesDefault, () => end('output'));
    const stderr = gather(child.stderr, stderrBytesMax, () => {});
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(
        new TrailError('io', `git could not be started for ${dir}: install git 2.39 or later, and check the folder`, {
          cause,
        }),
      );
    });
    child.once('close', (exit) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      resolve({ exit: cut === null ? exit : null, stdout: stdout(), stderr: stderr().toString().trim(), cut });
    });
    if (options.input instanceof Readable) options.input.on('error', () => end(null)).pipe(child.stdin);
    else child.stdin.end(options.input ?? '');
  });
}

/**
 * Like `git`, but the command must succeed. Returns its output as text. Throws TrailError 'bad-hub' with git's message.
 */
export async function gitText(dir: string, args: string[], options: GitOptions = {}): Promise<string> {
  const result = await git(dir, args, options);
  if (result.exit === 0) return result.stdout.toString();
  throw new TrailError('bad-hub', `git ${args[0]} failed in ${dir}: ${whyFailed(result)}`);
}

/** What went wrong, in one line. */
export function whyFailed(result: GitResult): string {
  if (result.cut === 'time') return 'it took too long';
  if (result.cut === 'output') return 'its output was too long';
  return result.stderr.split('\n').findLast((line) => line !== '') ?? `exit ${result.exit}`;
}

/** Starts git with all three pipes, for streams. The caller ends it (`endGit`) and listens for `error`. */
export function startGit(dir: string, args: string[], options: GitOptions = {}): ChildProcessWithoutNullStreams {
  const argv = ['git', ...(options.checkout ? [] : [`--git-dir=${dir}`]), ...args];
  const { bounds } = options;
  // `ulimit` counts kilobytes for -d and 512-byte blocks for -f.
  const limited = bounds
    ? [
        'sh',
        '-c',
        `ulimit -d ${kilobytes(bounds.memoryBytesMax)} -f ${2 * kilobytes(bounds.fileBytesMax)}; exec "$@"`,
        'sh',
        ...argv,
      ]
    : argv;
  // Uses a separate process group: ending git also ends what it started, and your Ctrl-C does not interrupt a write.
  const child = spawn(limited[0] as string, limited.slice(1), {
    cwd: dir,
    env: gitEnv(options),
    ...options.owner,
    detached: true,
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {}); // EPIPE if git ended early: its exit code shows that
  return child;
}

/** Kills git and everything that it started. */
export function endGit(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Git has ended already.
  }
}

// Does not include the user's PATH: a program named git in it would run in place of the real one.
const searchPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/run/current-system/sw/bin';

const hardened: Record<string, string> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'core.sshCommand': 'false',
  'core.protectHFS': 'true',
  'core.protectNTFS': 'true',
  'credential.helper': '',
  'submodule.recurse': 'false',
  'fetch.recurseSubmodules': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'commit.gpgSign': 'false',
  'tag.gpgSign': 'false',
  'log.showSignature': 'false',
  'advice.detachedHead': 'false',
};

/** Git's whole environment. */
export function gitEnv(
  options: Pick<GitOptions, 'objects' | 'globalConfig' | 'config' | 'env'> = {},
): Record<string, string> {
  const { objects } = options;
  return {
    PATH: searchPath,
    HOME: '/dev/null',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: options.globalConfig ?? '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_ALLOW_PROTOCOL: 'file',
    GIT_ASKPASS: 'false',
    GIT_EDITOR: 'false',
    GIT_PAGER: 'cat',
    ...(objects && { GIT_OBJECT_DIRECTORY: objects.directory, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects.alternates }),
    ...asVariables({ ...hardened, ...options.config }),
    ...options.env,
  };
}

// Settings through GIT_CONFIG_COUNT rank with `-c`, above the repository's own; those in GIT_CONFIG_GLOBAL would not.
function asVariables(config: Record<string, string>): Record<string, string> {
  const settings = Object.entries(config);
  const numbered = settings.flatMap(([key, value], n) => [
    [`GIT_CONFIG_KEY_${n}`, key],
    [`GIT_CONFIG_VALUE_${n}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(numbered) };
}

function gather(stream: NodeJS.ReadableStream, bytesMax: number, overflow: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    const room = bytesMax - bytes;
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    if (chunk.length > room) overflow();
  });
  return () => Buffer.concat(chunks);
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1024);
}
