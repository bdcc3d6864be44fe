// `coldpass doctor`: what works here, and how to mend the rest. Each check is a line of data; one that cannot be made because
// an earlier one failed is left out, so that there is one remedy for one trouble.

import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkGrant } from '../../runner/box/grant.ts';
import type { Opened } from '../../runner/box/open.ts';
import type { DockerReport } from '../../runner/swarm/engine/report.ts';
import { git } from '../../state/git/process.ts';
import { loadSigner } from '../../state/keys/keys.ts';
import { fingerprintOf } from '../../state/keys/sshsig.ts';
import type { Config } from '../../state/plan/config.ts';
import { type Hub, openHub } from '../../state/trail/hub.ts';
import { stateMode } from '../../state/trail/workspace.ts';
import { internalAddresses, type Lookup } from '../project/addresses.ts';
import type { Env } from '../project/project.ts';
import { findProgram } from '../project/toolchain.ts';
import { type Exit, exits, explained } from '../terminal/errors.ts';
import { stateRoles } from '../workspace/found.ts';
import { dockerGrant, hostsNeeded, needsDocker, placesOf, toolsNeeded } from '../workspace/grants.ts';
import { here } from '../workspace/here.ts';
import { openOperatorKey } from '../workspace/key.ts';
import type { Here } from '../workspace/place.ts';

const nodeLowest = [22, 22];
const gitLowest = [2, 39];
const diskWarnMb = 2048;
const diskFailMb = 256;
const mebibyte = 1024 * 1024;

export type Finding = { state: 'ok' | 'warn' | 'fail'; what: string; remedy: string | null };
export type DoctorReport = { exit: Exit; checks: Finding[]; counts: Record<Finding['state'], number> };

export type DoctorOptions = {
  dir: string;
  env: Env;
  home: string;
  uid: number;
  nodeVersion: string;
  /** Asks the Docker engine behind a socket whether apps can be deployed on it. */
  docker(socket: string): Promise<DockerReport>;
  /** Opens the sandbox that runs here would use, self-test included; null where this is no workspace. Closed here. */
  sandbox(place: Here | null): Promise<Opened>;
  stateDir?: string;
  /** Name resolution; the machine's own by default. */
  lookup?: Lookup;
};

/** Looks at everything, changes nothing. Rejects only for a bug. */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  const checks = [nodeCheck(options.nodeVersion), await gitCheck(), flockCheck(options.env)];
  const place = await looked(checks, () => here(options));
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

/** What `find` gives; where it tells of a trouble that a person can mend, that is a finding and null is given. */
async function looked<T>(checks: Finding[], find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    const said = explained(error);
    if (said === null) throw error;
    checks.push(fromLine(said.line));
    return null;
  }
}

// Our errors read "what is wrong; what to do".
function fromLine(line: string): Finding {
  const cut = line.indexOf('; ');
  return cut < 0 ? { state: 'fail', what: line, remedy: null } : fail(line.slice(0, cut), line.slice(cut + 2));
}

function nodeCheck(version: string): Finding {
  const what = `Node ${version}`;
  return atLeast(version, nodeLowest)
    ? ok(what)
    : fail(what, `Coldpass needs Node ${nodeLowest.join('.')} or later; install one from nodejs.org`);
}

async function gitCheck(): Promise<Finding> {
  const said = await git('/', ['--version'], { checkout: true }).catch(() => null);
  const version = said?.stdout.toString().match(/\d+\.\d+(\.\d+)?/)?.[0];
  if (version === undefined) return fail('git is not to be found', 'install git (Debian: apt-get install git)');
  return atLeast(version, gitLowest)
    ? ok(`git ${version}`)
    : fail(`git ${version}`, `git ${gitLowest.join('.')} or later is needed; update it`);
}

function flockCheck(env: Env): Finding {
  return findProgram('flock', env) ? ok('flock') : fail('flock is not to be found', 'install util-linux');
}

function sandboxChecks(opened: Opened): Finding[] {
  const { selfTest } = opened;
  const seconds = (selfTest.ms / 1000).toFixed(1);
  if (opened.sandbox) {
    const own = selfTest.uid === 'own' ? 'each role as a user of its own' : 'boxes run as your own user';
    return [ok(`sandbox: ${selfTest.level}, ${selfTest.checks.length} escapes tried and held in ${seconds} s, ${own}`)];
  }
  return opened.mend.map((line, at) =>
    fail(at === 0 ? `sandbox: ${selfTest.checks.find((check) => !check.held)?.saw ?? 'not usable'}` : 'sandbox', line),
  );
}

function configCheck(config: Config): Finding {
  const names = Object.keys(config.recipes);
  return ok(`coldpass.yml: ${names.length === 1 ? 'recipe' : 'recipes'} ${names.join(', ')}`);
}

async function stateChecks({ paths, workspace }: Here, { uid, env }: DoctorOptions): Promise<Finding[]> {
  const checks = [ownerCheck(paths.stateDir, uid), diskCheck(paths.stateDir)];
  for (const role of stateRoles) await looked(checks, async () => loadSigner(join(paths.keys, role)));
  const { path } = workspace.operator.key;
  const key = await looked(checks, async () => openOperatorKey(workspace.operator.key, env));
  if (key) checks.push(sameKey(key.publicKey, path, workspace.operator.publicKey));
  const hub = await looked(checks, () => openHub(paths.hub));
  if (hub) checks.push(sameRoot(hub, workspace.root));
  if (workspace.demo) checks.push(warn('this is a demo workspace', 'nothing that it says counts elsewhere'));
  return checks;
}

function sameKey(found: string, path: string, known: string): Finding {
  if (found === known) return ok(`your key: ${path}`);
  return fail(
    `${path} is not the key that this workspace was made with`,
    `restore the one whose fingerprint is ${fingerprintOf(known)}`,
  );
}

function sameRoot(hub: Hub, root: string): Finding {
  if (hub.root === root) return ok(`hub: ${hub.dir}, root ${root}`);
  return fail(`the hub's root is ${hub.root}, and workspace.json says ${root}`, `restore ${hub.dir} from a copy`);
}

function ownerCheck(stateDir: string, uid: number): Finding {
  const info = statSync(stateDir);
  if (info.uid !== uid)
    return fail(`${stateDir} belongs to user ${info.uid}, and you are ${uid}`, 'run this as its owner');
  const mode = info.mode & 0o777;
  if ((mode & ~stateMode) === 0) return ok(`state: ${stateDir}`);
  return fail(
    `${stateDir} is open to others (mode ${mode.toString(8)})`,
    `type: chmod ${stateMode.toString(8)} ${stateDir}`,
  );
}

function diskCheck(dir: string): Finding {
  const { bavail, bsize } = statfsSync(dir);
  const freeMb = Math.floor((bavail * bsize) / mebibyte);
  const what = `${(freeMb / 1024).toFixed(1)} GiB free in ${dir}`;
  if (freeMb >= diskWarnMb) return ok(what);
  return {
    state: freeMb < diskFailMb ? 'fail' : 'warn',
    what,
    remedy: 'make room: clones and runs of a phase need some GiB',
  };
}

function grantChecks({ config, workspace, paths }: Here, options: DoctorOptions): Finding[] {
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

// A box reaches an address inside this machine's networks only where the address itself is granted.
async function addressChecks({ workspace }: Here, lookup: Lookup | undefined): Promise<Finding[]> {
  const { hosts } = workspace.grants;
  const found = await Promise.all(hosts.map(async (host) => ({ host, at: await internalAddresses(host, lookup) })));
  const closed = found.filter(({ at }) => at.length > 0 && !at.some((address) => hosts.includes(address)));
  return closed.map(({ host, at: [address] }) =>
    fail(
      `${host} is ${address} from here, an address inside this network, which no box may reach`,
      `name ${address} beside it under \`network\` in coldpass.yml, then type: coldpass init`,
    ),
  );
}

/** Only where some recipe deploys an app. */
async function dockerChecks({ config, workspace }: Here, options: DoctorOptions): Promise<Finding[]> {
  if (!needsDocker(config)) return [];
  const { docker } = workspace.grants;
  if (docker === null)
    return [fail('a recipe deploys an app, and no Docker engine is granted', `type: ${dockerGrant}`)];
  const report = await options.docker(docker);
  if (!report.ok) return [fail(`Docker at ${docker}: ${report.why}`, report.mend)];
  const how = report.ipvs ? '' : ', without IPVS: services get no virtual address';
  return [ok(`Docker at ${docker}: a swarm, API ${report.api}${how}`)];
}

function toolCheck(name: string, path: string, why: string | null): Finding {
  if (why === null) return ok(`granted tool folder "${name}": ${path}`);
  return fail(`granted tool folder "${name}": ${why}`, `type: coldpass init --tool ${name}=/its/folder`);
}

function modelCheck(env: Env): Finding {
  const key = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'].find((name) => env[name]);
  return key
    ? ok(`model: ${key} is set`)
    : warn('model: no ANTHROPIC_API_KEY', 'set it before `coldpass run`; `try` and `demo` need none');
}

function atLeast(version: string, lowest: number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = lowest.findIndex((part, index) => (parts[index] ?? 0) !== part);
  return at < 0 || (parts[at] ?? 0) > (lowest[at] ?? 0);
}

function ok(what: string): Finding {
  return { state: 'ok', what, remedy: null };
}

function warn(what: string, remedy: string): Finding {
  return { state: 'warn', what, remedy };
}

function fail(what: string, remedy: string): Finding {
  return { state: 'fail', what, remedy };
}
