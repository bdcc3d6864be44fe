// Builds the /etc of every box: our own passwd, hosts and so on, copies of what programs need to find libraries,
// certificates and alternatives, and the kit (our programs that run inside). It is built in the state folder, once per
// version of its sources.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { syscallProgram } from './probe.ts';
import { makeScratch, sandboxDir } from './scratch.ts';

/** A box's only user, as seen inside. On the host it is the role's own user or, if that is shared, the supervisor's. */
export const boxUser = { uid: 1000, gid: 1000, name: 'agent', home: '/home/agent' } as const;
/** Where the kit is inside a box. */
export const kitDir = '/etc/coldpass';
const kitNames = ['files', 'walk', 'net', 'probe'];

/**
 * Top-level domains that Chromium reaches only by https. An app's services often have such names (every second app has
 * an `app`), so a box's Chromium is told to reach them by http too.
 */
const plainNames =
  'ads android app bank boo cal channel chrome dad day dev docs drive eat fly foo here how map meet meme mov new page play prod prof search zip'.split(
    ' ',
  );

const ownFiles: Record<string, string> = {
  passwd: [
    'root:x:0:0:root:/root:/bin/sh',
    'agent:x:1000:1000:agent:/home/agent:/bin/sh',
    'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
    '',
  ].join('\n'),
  group: ['root:x:0:', 'agent:x:1000:', 'nogroup:x:65534:', ''].join('\n'),
  hosts: ['127.0.0.1 localhost box', '::1 localhost', ''].join('\n'),
  'host.conf': 'multi on\n',
  hostname: 'box\n',
  'nsswitch.conf': ['passwd', 'group', 'shadow', 'hosts', 'services', 'protocols']
    .map((name) => `${name}: files\n`)
    .join(''),
  // Debian's Chromium reads its policies here.
  'chromium/policies/managed/box.json': `${JSON.stringify({ HSTSPolicyBypassList: plainNames })}\n`,
};
/** Names in the host's /etc that are copied if they exist. None reveals the host's people, keys or network. */
const hostNames = [
  'ld.so.cache',
  'alternatives',
  'localtime',
  'ssl',
  'pki',
  'crypto-policies',
  'fonts',
  'mime.types',
  'services',
  'protocols',
  'shells',
];
const hostNamePattern = /^java-\d+-openjdk|^java$/;

/** Returns the folder to mount at /etc. `from` is the host's /etc. */
export function makeEtc(stateDir: string, from = '/etc'): string {
  const sources = [...hostNames, ...readdirSync(from).filter((name) => hostNamePattern.test(name))].filter((name) =>
    existsSync(join(from, name)),
  );
  const dir = join(sandboxDir(stateDir), `etc-${versionOf(from, sources)}`);
  if (existsSync(dir)) return dir;
  const draft = makeScratch(stateDir, 'draft');
  fill(draft, from, sources);
  try {
    renameSync(draft, dir);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return dir;
}

/** Path of a kit program inside a box. */
export function kitPath(name: string): string {
  return join(kitDir, `${name}.js`);
}

/** A kit program's source file, for a sandbox without boxes: TypeScript, or JavaScript in the published package. */
export function kitSource(name: string): string {
  return fileURLToPath(new URL(`../inside/${name}${extname(import.meta.url)}`, import.meta.url));
}

function fill(dir: string, from: string, sources: string[]): void {
  for (const [name, text] of Object.entries(ownFiles)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  for (const name of sources) {
    const source = join(from, name);
    if (statSync(source).isFile()) copyFileSync(realpathSync(source), join(dir, name));
    else cpSync(source, join(dir, name), { recursive: true, verbatimSymlinks: true, filter: isPublic });
  }
  symlinkSync('/proc/self/mounts', join(dir, 'mtab'));
  const kit = join(dir, basename(kitDir));
  mkdirSync(kit);
  for (const name of kitNames) writeFileSync(join(kit, basename(kitPath(name))), plainScript(kitSource(name)));
  writeFileSync(join(kit, 'package.json'), '{ "type": "module" }\n');
  const syscalls = syscallProgram();
  if (syscalls !== null) writeFileSync(join(kit, 'syscalls'), syscalls, { mode: 0o755 });
  openUp(dir);
}

/** A kit program without its types: a box starts in half the time if its node has no types to strip. */
function plainScript(path: string): string {
  const text = readFileSync(path, 'utf8');
  return extname(path) === '.ts' ? withoutTypes(text).replaceAll(/(from '\.\/\w+)\.ts'/g, "$1.js'") : text;
}

/** Suppresses node's warning that stripping types is experimental: it means nothing to whoever runs a command. */
function withoutTypes(text: string): string {
  const warn = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = warn;
  }
}

/** Certificates are public, their keys are not. The `.gz` files, two in three alternatives, are only manual pages. */
function isPublic(path: string): boolean {
  if (basename(path) === 'private' || ['.key', '.gz'].includes(extname(path))) return false;
  const kind = lstatSync(path);
  return kind.isFile() || kind.isDirectory() || kind.isSymbolicLink();
}

/** Makes everything readable by every role's user, whatever the umask and the original modes. */
function openUp(path: string): void {
  const kind = lstatSync(path);
  if (kind.isSymbolicLink()) return;
  chmodSync(path, kind.isDirectory() || (kind.mode & 0o111) !== 0 ? 0o755 : 0o644);
  if (kind.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name));
}

function versionOf(from: string, sources: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(ownFiles));
  for (const name of sources) for (const line of stamps(join(from, name))) hash.update(line);
  for (const name of kitNames) hash.update(plainScript(kitSource(name)));
  hash.update(syscallProgram() ?? '');
  return hash.digest('hex').slice(0, 16);
}

/** Size and time of a file or folder, and times of a folder's direct subfolders: enough to notice a package update. */
function stamps(path: string): string[] {
  const kind = statSync(path);
  const own = `${path} ${kind.size} ${kind.mtimeMs}\n`;
  if (!kind.isDirectory()) return [own];
  const inner = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [own, ...inner.map((entry) => `${entry.name} ${statSync(join(path, entry.name)).mtimeMs}\n`)];
}
