// `coldpass init`: prepares a repository. Writes coldpass.yml if missing, creates the state with its keys and hub, and
// records your grants. It asks nothing and reports what it granted; a second run changes nothing.

import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { canonicalJson } from '../../state/entry/digest.ts';
import { configFile, readConfig, WorkspaceName } from '../../state/plan/config.ts';
import {
  type Grants,
  makeStateDir,
  openWorkspace,
  stateDirFor,
  statePaths,
  type ToolGrant,
  type Workspace,
  writeWorkspace,
} from '../../state/trail/workspace.ts';
import { type Lookup, withAddresses } from '../project/addresses.ts';
import { detect } from '../project/detect.ts';
import type { Env, Machine } from '../project/project.ts';
import { configText, type Proposal } from '../project/proposal.ts';
import { baseBranch, findRepository, projectOf, type Repository } from '../project/repository.ts';
import { thisMachine } from '../project/toolchain.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { createWorkspace } from '../workspace/create.ts';
import { type GrantResult, grantsFor, placesOf } from '../workspace/grants.ts';
import { chooseOperatorKey } from '../workspace/key.ts';
import { settledWorkspace } from '../workspace/rotate.ts';
import { freeUids } from '../workspace/uids.ts';

export type InitOptions = {
  dir: string;
  env: Env;
  home: string;
  uid: number;
  /** The node that runs Coldpass: used if you have none on PATH. */
  nodePath: string;
  now: Date;
  name?: string;
  base?: string;
  /** An existing key: a private key file, or the `.pub` file of a key in your ssh-agent. */
  key?: string;
  /** Grants besides those that the recipes need. */
  tools?: ToolGrant[];
  hosts?: string[];
  /** The socket of a Docker engine, for app recipes. */
  docker?: string;
  /** A demo workspace may run without a sandbox. */
  demo?: boolean;
  /** The state folder, if not the default one. */
  stateDir?: string;
  /** Name resolution; the machine's own by default. */
  lookup?: Lookup;
};

export type InitReport = {
  /** 0, or 3 if you must complete something. */
  exit: Exit;
  workspace: Workspace;
  stateDir: string;
  /** The recipes written to coldpass.yml: empty if the project's tests are unknown, null if coldpass.yml existed. */
  proposed: { name: string; what: string }[] | null;
  madeState: boolean;
  madeKey: boolean;
  changed: boolean;
  /** The new grants. */
  granted: Grants;
  /** What could not be granted or needs attention, one line each. */
  notes: string[];
};

/** Throws UsageError, Refused or TrailError: one line that says what to type. A rerun then continues from there. */
export async function init(options: InitOptions): Promise<InitReport> {
  const ground = await survey(options);
  const { repository, written, stateDir, known } = ground;
  if (written) writeConfig(repository, written.text);
  const key =
    known && options.key === undefined ? { place: known.operator.key, made: false } : chooseOperatorKey(options);
  const state = await createWorkspace({
    paths: makeStateDir(stateDir),
    name: ground.name,
    repo: repository.top,
    base: ground.base,
    keyPlace: key.place,
    env: options.env,
    now: options.now,
  });
  const granted = grantAll(ground, options);
  const workspace: Workspace = {
    v: 1,
    name: ground.name,
    repo: repository.top,
    root: state.root,
    operator: { ...known?.operator, publicKey: state.publicKey, key: key.place },
    grants: granted.all,
    ...(known
      ? { demo: known.demo, uids: known.uids }
      : { demo: options.demo ?? false, uids: freeUids(stateDir, options.uid) }),
  };
  const changed = canonicalJson(workspace) !== canonicalJson(known);
  if (changed) writeWorkspace(stateDir, workspace);
  return {
    workspace,
    stateDir,
    madeState: known === null,
    madeKey: key.made,
    changed: changed || written !== null,
    ...outcomeOf(written?.proposals ?? null, granted),
  };
}

type Ground = {
  repository: Repository;
  machine: Machine;
  /** The coldpass.yml to write; null if it exists. */
  written: Written | null;
  name: string;
  base: string;
  stateDir: string;
  known: Workspace | null;
};

// Checks first whatever may fail, before anything is written.
async function survey(options: InitOptions): Promise<Ground> {
  const repository = await findRepository(options.dir, options.uid);
  const machine = thisMachine(repository.top, options.env, options.nodePath);
  const written = existsSync(join(repository.top, configFile)) ? null : await propose(repository, machine, options);
  const { name, base } = written ?? readConfig(repository.top);
  const stateDir = options.stateDir ? resolve(options.dir, options.stateDir) : stateDirFor(name, options);
  const known = openWorkspace(stateDir, repository.top);
  return {
    repository,
    machine,
    written,
    name,
    base,
    stateDir,
    known: known && (await settledWorkspace(known, statePaths(stateDir))),
  };
}

function grantAll({ repository, machine, written, stateDir, known }: Ground, options: InitOptions): GrantResult {
  const detected = written?.proposals.flatMap((proposal) => proposal.tools) ?? [];
  const asked = {
    tools: [...detected, ...(options.tools ?? [])],
    hosts: options.hosts ?? [],
    ...(options.docker && { docker: options.docker }),
  };
  const config = readConfig(repository.top);
  return grantsFor(config, known?.grants ?? nothing, asked, machine, placesOf({ ...options, stateDir }));
}

const nothing: Grants = { tools: [], hosts: [], docker: null };

function outcomeOf(
  proposals: Proposal[] | null,
  { added, notes }: GrantResult,
): Pick<InitReport, 'exit' | 'proposed' | 'granted' | 'notes'> {
  return {
    exit: proposals?.length === 0 || notes.length > 0 ? exits.operator : exits.yes,
    proposed: proposals?.map(({ name, what }) => ({ name, what })) ?? null,
    granted: added,
    notes: [...(proposals ?? []).flatMap((proposal) => proposal.notes), ...notes],
  };
}

type Written = { text: string; name: string; base: string; proposals: Proposal[] };

async function propose(repository: Repository, machine: Machine, options: InitOptions): Promise<Written> {
  const name = options.name ?? nameFrom(repository.top);
  const checked = WorkspaceName.safeParse(name);
  if (!checked.success)
    throw new UsageError(
      `"${name}" cannot name a workspace: ${checked.error.issues[0]?.message}; type: coldpass init --name NAME`,
    );
  const base = options.base ?? (await baseBranch(repository));
  const detected = detect(await projectOf(repository), machine);
  const proposals = await Promise.all(detected.map((proposal) => withAddresses(proposal, options.lookup)));
  return { text: configText(name, base, proposals), name, base, proposals };
}

// `My.Project_2` becomes `my-project-2`.
function nameFrom(top: string): string {
  const name = basename(top)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name.slice(0, 41) || 'workspace';
}

function writeConfig(repository: Repository, text: string): void {
  const file = join(repository.top, configFile);
  writeFileSync(file, text, { flag: 'wx' });
  if (repository.owner) chownSync(file, repository.owner.uid, repository.owner.gid);
}
