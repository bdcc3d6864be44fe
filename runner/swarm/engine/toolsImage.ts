// The image for the containers that back up, empty and restore volumes: the host's restic, find and busybox with the
// libraries they load, imported into the engine as an archive. Uses no registry. Built once and recognised by a label
// with a digest of its parts, so an upgraded host gets a new one.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Dockerode from 'dockerode';
import { execa } from 'execa';
import { z } from 'zod';
import { RunnerError } from '../../box/errors.ts';
import { findProgram } from '../../box/machine.ts';
import { jsonIn } from '../app/json.ts';
import { engineJson } from './get.ts';
import { type TarEntry, tarOf } from './tar.ts';

/** GNU `find`: it walks by descriptors, so paths longer than the system's limit do not stop it. */
const programs = ['restic', 'busybox', 'find'] as const;
const applets = ['sh', 'cat', 'mkdir', 'sleep', 'stat', 'test', 'wc'];
const places = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin'];
const remedy = 'sudo apt-get install restic busybox-static findutils';
const label = 'coldpass.tools';
const lddTimeoutMs = 10_000;
const callTimeoutMs = 30_000;
const importTimeoutMs = 60_000;

/** The image's id. Rejects with RunnerError if a program is not installed. Concurrent calls are safe. */
export async function ensureToolsImage(docker: Dockerode): Promise<string> {
  const parts = await findParts();
  const archive = await tarOf([...layout(parts), ...parts]);
  const digest = createHash('sha256').update(archive).digest('hex');
  const abortSignal = AbortSignal.timeout(callTimeoutMs);
  const labelled = await docker.listImages({ filters: { label: [`${label}=${digest}`] }, abortSignal });
  for (const { Id } of labelled) if (await isOurs(docker, Id, digest)) return Id;
  return importImage(docker, archive, digest);
}

type File = Extract<TarEntry, { kind: 'file' }>;

async function findParts(): Promise<File[]> {
  const paths = programs.map((name) => findProgram(name, places));
  const missing = programs.filter((_, index) => paths[index] === null);
  if (missing.length > 0)
    throw new RunnerError('engine', `backups need ${missing.join(' and ')}, not installed here; type: ${remedy}`);
  const files = paths.filter((path) => path !== null);
  const libraries = new Set((await Promise.all(files.map(librariesOf))).flat());
  return Promise.all([
    ...files.map((path, index) => part(path, `bin/${programs[index]}`)),
    ...[...libraries].sort().map((path) => part(path, path.slice(1))),
  ]);
}

/**
 * The absolute paths of a program's libraries and of the loader. Empty for a static program, for which ldd exits with
 * 1.
 */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout, failed, stderr } = await execa('ldd', [program], {
    reject: false,
    timeout: lddTimeoutMs,
    killSignal: 'SIGKILL',
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  if (/not a dynamic executable/.test(stdout + stderr)) return [];
  if (failed || /not found/.test(stdout))
    throw new RunnerError('engine', `ldd failed on ${program}: ${(stderr || stdout).trim().slice(0, 200)}`);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path as string);
}

async function part(path: string, name: string): Promise<File> {
  return { kind: 'file', name, mode: 0o755, bytes: await readFile(path) };
}

function layout(parts: readonly File[]): TarEntry[] {
  const folders = new Set(['bin', 'reading', 'tmp', 'vault', 'volume']);
  for (const { name } of parts) for (let dir = dirname(name); dir !== '.'; dir = dirname(dir)) folders.add(dir);
  return [
    ...[...folders].sort().map((name): TarEntry => ({ kind: 'folder', name, mode: name === 'tmp' ? 0o1777 : 0o755 })),
    ...applets.map((name): TarEntry => ({ kind: 'link', name: `bin/${name}`, to: 'busybox' })),
  ];
}

/**
 * True if we built this image. Any image may have the label, so the content decides: the only layer must be our
 * archive, and the config must set nothing.
 */
async function isOurs(docker: Dockerode, id: string, digest: string): Promise<boolean> {
  const { data } = Image.safeParse(await engineJson(docker, `/images/${id}/json`, AbortSignal.timeout(callTimeoutMs)));
  if (data === undefined || data.RootFS.Layers.join() !== `sha256:${digest}`) return false;
  return Object.entries(data.Config).every(([name, value]) => name === 'Labels' || !value);
}

const Image = z.object({
  RootFS: z.object({ Layers: z.array(z.string()) }),
  Config: z.record(z.string(), z.unknown()),
});
const Imported = z.object({ status: z.string().regex(/^sha256:[0-9a-f]{64}$/) });

async function importImage(docker: Dockerode, archive: Buffer, digest: string): Promise<string> {
  const options = {
    repo: 'coldpass/tools',
    tag: digest.slice(0, 12),
    changes: `LABEL ${label}=${digest}`,
    abortSignal: AbortSignal.timeout(importTimeoutMs),
  };
  const output = await text((await docker.importImage(Readable.from([archive]), options)) as Readable);
  const last = output.trim().split('\n').at(-1) ?? '';
  const { success, data } = Imported.safeParse(jsonIn(last));
  if (!success) throw new RunnerError('engine', `the engine did not import the tools image: ${last.slice(0, 200)}`);
  return data.status;
}
