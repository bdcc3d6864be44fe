// `coldpass doctor`: what works here, and how to fix the rest. Each check is one line of data. A check that depends on
// a failed one is left out, so that each problem has one remedy.

import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkGrant } from '../../runner/box/grant.ts';
import type { OpenResult } from '../../runner/box/open.ts';
import type { DockerReport } from '../../runner/swarm/engine/report.ts';
import { git } from '../../state/git/process.ts';
import { loadSigner } from '../../state/keys/keys.ts';
import { fingerprintOf } from '../../state/keys/sshsig.ts';
import type { Config } from '../../state/plan/config.ts';
import { type Hub, openHub } from '../../state/trail/hub.ts';
import { stateMode } from '../../state/trail/workspace.ts';
import { internalAddresses, type Lookup } from '../project/addresses.ts';
import type { Env } from '../project/project.ts';
import { programOnPath } from '../project/toolchain.ts';
import { type Exit, exits, explained } from '../terminal/errors.ts';
import { stateRoles } from '../workspace/create.ts';
import { dockerGrant, hostsNeeded, needsDocker, placesOf, toolsNeeded } from '../workspace/grants.ts';
import { here } from '../workspace/here.ts';
import { openOperatorKey } from '../workspace/key.ts';
import type { Here } from '../workspace/place.ts';

const nodeLowest = [22, 22];
const gitLowest = [2, 39];
const diskWarnMb = 2048;
const diskFailMb = 256;
const mebibyte = 1024 * 1024;

export type Diagnosis = { state: 'ok' | 'warn' | 'fail'; what: string; remedy: string | null };
export type DoctorReport = { exit: Exit; checks: Diagnosis[]; counts: Record<Diagnosis['state'], number> };

export type DoctorOptions = {
  dir: string;
  env: Env;
  home: string;
  uid: number;
  nodeVersion: string;
  /** Asks the Docker engine at a socket whether apps can be deployed on it. */
  docker(socket: string): Promise<DockerReport>;
  /**
   * Opens and tests the sandbox that would be used for runs here; `place` is null outside a workspace. The doctor
   * closes the sandbox.
   */
  sandbox(place: Here | null): Promise<OpenResult>;
  stateDir?: string;
  /** Name resolution; the machine's own by default. */
  lookup?: Lookup;
};

/** Checks everything, changes nothing. Rejects only for a bug. */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  const checks = [nodeCheck(options.nodeVersion), await gitCheck(), flockCheck(options.env)];
  const place = await attempt(checks, () => here(options));
  const opened = await options.sandbox(place);
  checks.push(...sandboxChecks(opened));
  await opened.sandbox?.close();
  if (place)
    checks.push(
      configCheck(place.config),
      ...(await stateChecks(place, options)),
      ...grantChecks(place, options),
      ...(await addressChecks(place, options.lookup)),
      ...(await dockerChecks(place, options)),
    );
  checks.push(modelCheck(options.env));
  const counts = { ok: 0, warn: 0, fail: 0 };
  for (const check of checks) counts[check.state] += 1;
  return { exit: counts.fail > 0 ? exits.machine : exits.yes, checks, counts };
}

/** The result of `find`. If `find` throws an error that you can fix, adds a finding and returns null. */
async function attempt<T>(checks: Diagnosis[], find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    const known = explained(error);
    if (known === null) throw error;
    checks.push(fromLine(known.line));
    return null;
  }
}

// Our errors have the form "what is wrong; what to do".
function fromLine(line: string): Diagnosis {
  const cut = line.indexOf('; ');
  return cut < 0 ? { state: 'fail', what: line, remedy: null } : fail(line.slice(0, cut), line.slice(cut + 2));
}

function nodeCheck(version: string): Diagnosis {
  const what = `Node ${version}`;
  return atLeast(version, nodeLowest)
    ? ok(what)
    : fail(what, `Coldpass needs Node ${nodeLowest.join('.')} or later; install one from nodejs.org`);
}

async function gitCheck(): Promise<Diagnosis> {
  const result = await git('/', ['--version'], { checkout: true }).catch(() => null);
  const version = result?.stdout.toString().match(/\d+\.\d+(\.\d+)?/)?.[0];
  if (version === undefined) return fail('git not found', 'install git (Debian: apt-get install git)');
  return atLeast(version, gitLowest)
    ? ok(`git ${version}`)
    : fail(`git ${version}`, `Coldpass needs git ${gitLowest.join('.')} or later; update it`);
}

function flockCheck(env: Env): Diagnosis {
  return programOnPath('flock', env) ? ok('flock') : fail('flock not found', 'install util-linux');
}

function sandboxChecks(opened: OpenResult): Diagnosis[] {
  const { selfTest } = opened;
  const seconds = (selfTest.ms / 1000).toFixed(1);
  if (opened.sandbox) {
    const users = selfTest.uid === 'own' ? 'one user per role' : 'boxes run as your user';
    return [ok(`sandbox: ${selfTest.level}, blocked all ${selfTest.checks.length} escapes in ${seconds} s, ${users}`)];
  }
  return opened.mend.map((line, at) =>
    fail(at === 0 ? `sandbox: ${selfTest.checks.find((check) => !check.held)?.saw ?? 'not usable'}` : 'sandbox', line),
  );
}

function configCheck(config: Config): Diagnosis {
  const names = Object.keys(config.recipes);
  return ok(`coldpass.yml: ${names.length === 1 ? 'recipe' : 'recipes'} ${names.join(', ')}`);
}

async function stateChecks({ paths, workspace }: Here, { uid, env }: DoctorOptions): Promise<Diagnosis[]> {
  const checks = [ownerCheck(paths.stateDir, uid), diskCheck(paths.stateDir)];
  for (const role of stateRoles) await attempt(checks, async () => loadSigner(join(paths.keys, role)));
  const { path } = workspace.operator.key;
  const key = await attempt(checks, async () => openOperatorKey(workspace.operator.key, env));
  if (key) checks.push(sameKey(key.publicKey, path, workspace.operator.publicKey));
  const hub = await attempt(checks, () => openHub(paths.hub));
  if (hub) checks.push(sameRoot(hub, workspace.root));
  if (workspace.demo) checks.push(warn('this is a demo workspace', 'its results count nowhere else'));
  return checks;
}

function sameKey(publicKey: string, path: string, known: string): Diagnosis {
  if (publicKey === known) return ok(`your key: ${path}`);
  return fail(
    `${path} is not the key that this workspace was created with`,
    `restore the key with the fingerprint ${fingerprintOf(known)}`,
  );
}

function sameRoot(hub: Hub, root: string): Diagnosis {
  if (hub.root === root) return ok(`hub: ${hub.dir}, root ${root}`);
  return fail(`the hub's root is ${hub.root}, but workspace.json has ${root}`, `restore ${hub.dir} from a backup`);
}

function ownerCheck(stateDir: string, uid: number): Diagnosis {
  const info = statSync(stateDir);
  if (info.uid !== uid)
    return fail(`${stateDir} belongs to user ${info.uid}, but you are ${uid}`, 'run this as its owner');
  const mode = info.mode & 0o777;
  if ((mode & ~stateMode) === 0) return ok(`state: ${stateDir}`);
  return fail(
    `${stateDir} is open to others (mode ${mode.toString(8)})`,
    `type: chmod ${stateMode.toString(8)} ${stateDir}`,
  );
}

function diskCheck(dir: string): Diagnosis {
  const { bavail, bsize } = statfsSync(dir);
  const freeMb = Math.floor((bavail * bsize) / mebibyte);
  const what = `${(freeMb / 1024).toFixed(1)} GiB free in ${dir}`;
  if (freeMb >= diskWarnMb) return ok(what);
  return {
    state: freeMb < diskFailMb ? 'fail' : 'warn',
    what,
    remedy: 'free some space: the clones and runs of a phase need a few GiB',
  };
}

function grantChecks({ config, workspace, paths }: Here, options: DoctorOptions): Diagnosis[] {
  const places = placesOf({ ...options, stateDir: paths.stateDir });
  const { tools, hosts } = workspace.grants;
  const lacking = [
    ...toolsNeeded(config)
      .filter((name) => !tools.some((tool) => tool.name === name))
      .map((name) => `the tool folder "${name}"`),
    ...hostsNeeded(config)
      .filter((host) => !hosts.includes(host))
      .map((host) => `the host ${host}`),
  ];
  return [
    ...tools.map(({ name, path }) => toolCheck(name, path, checkGrant(path, places))),
    ...(hosts.length > 0 ? [ok(`granted hosts: ${hosts.join(', ')}`)] : []),
    ...lacking.map((what) => fail(`a recipe needs ${what}, which is not granted`, 'type: coldpass init')),
  ];
}

// A box reaches an address inside this machine's networks only if the address itself is granted.
async function addressChecks({ workspace }: Here, lookup: Lookup | undefined): Promise<Diagnosis[]> {
  const { hosts } = workspace.grants;
  const internal = await Promise.all(hosts.map(async (host) => ({ host, at: await internalAddresses(host, lookup) })));
  const closed = internal.filter(({ at }) => at.length > 0 && !at.some((address) => hosts.includes(address)));
  return closed.map(({ host, at: [address] }) =>
    fail(
      `${host} resolves to ${address}, an address inside this network, which no box may reach`,
      `add ${address} next to it under \`network\` in coldpass.yml, then type: coldpass init`,
    ),
  );
}

/** Checks Docker only if some recipe deploys an app. */
async function dockerChecks({ config, workspace }: Here, options: DoctorOptions): Promise<Diagnosis[]> {
  if (!needsDocker(config)) return [];
  const { docker } = workspace.grants;
  if (docker === null)
    return [fail('a recipe deploys an app, but no Docker engine is granted', `type: ${dockerGrant}`)];
  const report = await options.docker(docker);
  if (!report.ok) return [fail(`Docker at ${docker}: ${report.why}`, report.mend)];
  const how = report.ipvs ? '' : ', without IPVS: services get no virtual address';
  return [ok(`Docker at ${docker}: a swarm, API ${report.api}${how}`)];
}

function toolCheck(name: string, path: string, why: string | null): Diagnosis {
  if (why === null) return ok(`granted tool folder "${name}": ${path}`);
  return fail(`granted tool folder "${name}": ${why}`, `type: coldpass init --tool ${name}=/its/folder`);
}

function modelCheck(env: Env): Diagnosis {
  const key = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'].find((name) => env[name]);
  return key
    ? ok(`model: ${key} is set`)
    : warn('model: ANTHROPIC_API_KEY is not set', 'set it before `coldpass run`; `try` and `demo` do not need it');
}

function atLeast(version: string, lowest: number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = lowest.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > (lowest[at] ?? 0);
}

function ok(what: string): Diagnosis {
  return { state: 'ok', what, remedy: null };
}

function warn(what: string, remedy: string): Diagnosis {
  return { state: 'warn', what, remedy };
}

function fail(what: string, remedy: string): Diagnosis {
  return { state: 'fail', what, remedy };
}
