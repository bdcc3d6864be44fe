// Backs up, empties and restores one run's volumes with restic, in helper containers that mount the volume and the
// run's repository volume; nothing on the host opens a path in either. Faults of the app (a missing path, an unreadable
// tree) are RunnerErrors with code `volume`, faults of the caller have `bad-request`.
//
//   back     volume, read-only ──▶ snapshot id        wipe   volume ──▶ entries before, after
//   restore  snapshot ──▶ volume                      dump   every snapshot as an archive, for the leak search

import { randomBytes } from 'node:crypto';
import type Dockerode from 'dockerode';
import { z } from 'zod';
import { RunnerError } from '../../box/errors.ts';
import type { Labels, RunNames, Vault } from '../app/app.ts';
import { jsonIn } from '../app/json.ts';
import { type HelperEnd, type HelperMount, helpers } from './helper.ts';
import {
  backCommand,
  dumpCommand,
  initCommand,
  repositoryDir,
  restoreCommand,
  safeVolumeDir,
  volumeDir,
  volumeName,
  wipeCommand,
} from './vaultScripts.ts';
import { assertOwn, makeVolume, removeVolume, usersOf } from './volumes.ts';

export type VaultOptions = {
  docker: Dockerode;
  names: RunNames;
  labels: Labels;
  /** The id that `ensureToolsImage` returned. */
  image: string;
  signal: AbortSignal;
};

const initSeconds = 60;
const backSeconds = 600;
const wipeSeconds = 300;
const restoreSeconds = 600;
const dumpSeconds = 600;
export const dumpBytesMax = 1024 ** 3;
const backAttempts = 3;
const pathsMax = 50;
const pathLengthMax = 1000;
const passwordBytes = 32;
/** restic's exit code for a snapshot that lacks something it could not read. */
const incompleteExit = 3;

/** Volumes are named by their compose key. `close` may be called twice, has its own deadline and ignores the signal. */
export async function openVault(options: VaultOptions): Promise<Vault & { close(): Promise<void> }> {
  const { docker, names, labels, signal } = options;
  // The name has a `-`, because `<stack>_vault` would be the app's volume if it had one called `vault`.
  const vault = `${names.stack}-vault`;
  const password = randomBytes(passwordBytes).toString('hex');
  const containers = helpers({ ...options, name: vault });
  const repository: HelperMount = { volume: vault, at: repositoryDir, readOnly: false };
  const snapshots: string[] = [];

  try {
    await makeVolume(docker, vault, labels, signal);
  } catch (error) {
    if (signal.aborted) await removeVolume(docker, vault);
    throw error;
  }
  // This is not awaited: deriving keys takes a second or two, during which the app is deployed.
  const ready = run(initCommand, [repository], initSeconds).then((end) => {
    if (end.exit !== 0) throw new RunnerError('engine', `restic could not create its repository: ${failureOf(end)}`);
  });
  ready.catch(() => {});

  function run(command: readonly string[], mounts: readonly HelperMount[], seconds: number): Promise<HelperEnd> {
    return containers.run({ command, mounts, stdin: password, seconds });
  }

  /** Returns the same mounts for every operation on a volume, so that one container serves them all. */
  async function mountsOf(volume: string): Promise<{ name: string; mounts: HelperMount[] }> {
    const name = `${names.stack}_${volume}`;
    await assertOwn(docker, name, labels, signal);
    const both = [
      { volume: name, at: volumeDir, readOnly: false },
      { volume: name, at: safeVolumeDir, readOnly: true },
    ];
    return { name, mounts: [...both, repository] };
  }

  async function back(volume: string, paths: string[] | null): Promise<string> {
    const command = backCommand(targetsOf(volume, paths), `volume=${volume}`);
    const { mounts } = await mountsOf(volume);
    await ready;
    let end = await run(command, mounts, backSeconds);
    // A running app may remove files during a backup. If retrying does not help, something really can't be read.
    for (let attempt = 1; end.exit === incompleteExit && attempt < backAttempts; attempt += 1)
      end = await run(command, mounts, backSeconds);
    if (end.exit !== 0) throw new RunnerError('volume', `volume ${volume} can't be backed up: ${failureOf(end)}`);
    const { snapshot_id: snapshot } = parsed(Summary, jsonIn(end.stdout.trim().split('\n').at(-1)));
    snapshots.push(snapshot);
    return snapshot;
  }

  async function wipe(volume: string): Promise<{ before: number; after: number }> {
    const { name, mounts } = await mountsOf(volume);
    await assertUnused(name);
    const end = await run(wipeCommand, mounts, wipeSeconds);
    if (end.exit !== 0) throw new RunnerError('volume', `volume ${volume} can't be emptied: ${failureOf(end)}`);
    // A container that started meanwhile may hold deleted files open, or have written new ones.
    await assertUnused(name);
    const [before, after] = parsed(Counts, end.stdout.trim().split('\n'));
    return { before, after };
  }

  async function assertUnused(name: string): Promise<void> {
    const users = (await usersOf(docker, name, signal)).filter((user) => !containers.owns(user));
    if (users.length === 0) return;
    throw new RunnerError(
      'bad-request',
      `${name} is in use by ${users.join(', ')}: stop it before the volume is emptied`,
    );
  }

  async function restore(volume: string, snapshot: string): Promise<void> {
    if (!snapshots.includes(snapshot)) throw new RunnerError('bad-request', `no such snapshot: ${snapshot}`);
    const { mounts } = await mountsOf(volume);
    const end = await run(restoreCommand(snapshot), mounts, restoreSeconds);
    if (end.exit !== 0) throw new RunnerError('volume', `volume ${volume} can't be restored: ${failureOf(end)}`);
  }

  async function* dump(): AsyncGenerator<Buffer> {
    if (snapshots.length === 0) return;
    const ask = { command: dumpCommand(snapshots), mounts: [repository], stdin: password, seconds: dumpSeconds };
    let bytes = 0;
    for await (const chunk of containers.stream(ask)) {
      bytes += chunk.length;
      if (bytes > dumpBytesMax) throw new RunnerError('volume', `the backups have more than ${dumpBytesMax} bytes`);
      yield chunk;
    }
  }

  async function close(): Promise<void> {
    await containers.close();
    await removeVolume(docker, vault);
  }

  return { back, wipe, restore, dump, close };
}

const Summary = z.object({
  message_type: z.literal('summary'),
  snapshot_id: z.string().regex(/^[0-9a-f]{8,64}$/),
});
const Count = z.string().regex(/^\d+$/).transform(Number);
const Counts = z.tuple([Count, Count]);

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw new RunnerError('engine', 'unexpected output from a helper container', { cause: error });
  return data;
}

/** The paths to back up, relative to the folder that the volume is mounted in. */
function targetsOf(volume: string, paths: string[] | null): string[] {
  if (paths === null) return [volumeName];
  if (paths.length === 0 || paths.length > pathsMax)
    throw new RunnerError('volume', `volume ${volume}: ${paths.length} paths to back up; 1 to ${pathsMax} are allowed`);
  return paths.map((path) => {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (path.startsWith('/') || parts.includes('..') || path.length > pathLengthMax || /\p{Cc}/u.test(path))
      throw new RunnerError(
        'volume',
        `volume ${volume}: ${JSON.stringify(path.slice(0, 100))} is not a path inside it`,
      );
    return [volumeName, ...parts].join('/');
  });
}

const outputCharsMax = 300;

function failureOf({ exit, stderr, stdout }: HelperEnd): string {
  if (exit === null) return 'it took too long';
  const text = (stderr.trim() || stdout.trim()).replace(/[\s\p{Cc}]+/gu, ' ').slice(0, outputCharsMax);
  return `exit ${exit}: ${text}`;
}
