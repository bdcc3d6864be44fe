// What a box may reach (tool folders and network hosts), and the Docker engine that apps are deployed on. A recipe only
// names what it needs; only the workspace's grants give it, and nobody in the loop can write those grants. `init`
// grants what the recipes need and this machine has, but it never grants Docker unasked: access to its socket is access
// to the whole machine.

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkGrant, type GrantPlaces, realOf } from '../../runner/box/grant.ts';
import { type CommandRecipe, isApp, isCommands } from '../../state/entry/recipe.ts';
import type { Config } from '../../state/plan/config.ts';
import { type Grants, hostsMax, type ToolGrant, toolsMax } from '../../state/trail/workspace.ts';
import type { Env, Machine } from '../project/project.ts';
import { packageTools } from '../project/toolchain.ts';
import { UsageError } from '../terminal/errors.ts';
import { operatorKeyFile } from './key.ts';

export type GrantResult = { all: Grants; added: Grants; notes: string[] };
export type RequestedGrants = { tools?: ToolGrant[]; hosts?: string[]; docker?: string };

/** The command that grants a Docker engine whose socket is in the usual place. */
export const dockerGrant = 'coldpass init --docker /var/run/docker.sock';

/** Existing grants, plus those named on the command line, plus those that the recipes need. Revokes nothing. */
export function grantsFor(
  config: Config,
  had: Grants,
  asked: RequestedGrants,
  machine: Machine,
  places: GrantPlaces,
): GrantResult {
  const lacking = toolsNeeded(config).filter(
    (name) => ![...had.tools, ...(asked.tools ?? [])].some((tool) => tool.name === name),
  );
  const located = lacking.map((name) => ({ name, path: folderOf(name, machine) }));
  const wanted = [...(asked.tools ?? []), ...located.filter((tool): tool is ToolGrant => tool.path !== null)];
  const checked = wanted.map((tool) => checkedTool(tool, places));
  const tools = checked.flatMap(({ tool }) => (tool && !isIn(had.tools, tool) ? [tool] : []));
  const hosts = [...new Set([...hostsNeeded(config), ...(asked.hosts ?? [])])].filter(
    (host) => !had.hosts.includes(host),
  );
  const unchanged = had.tools.filter(({ name }) => !tools.some((tool) => tool.name === name));
  const docker = asked.docker === undefined ? null : checkedSocket(asked.docker);
  const all = { tools: [...unchanged, ...tools], hosts: [...had.hosts, ...hosts], docker: docker ?? had.docker };
  if (all.tools.length > toolsMax || all.hosts.length > hostsMax)
    throw new UsageError(`more than ${toolsMax} tool folders or ${hostsMax} hosts; remove some from the recipes`);
  const unknown = located.filter((tool) => tool.path === null).map(({ name }) => notFound(name));
  const ungranted =
    needsDocker(config) && all.docker === null
      ? [`a recipe deploys an app, but no Docker engine is granted; type: ${dockerGrant}`]
      : [];
  return {
    all,
    added: { tools, hosts, docker: docker === had.docker ? null : docker },
    notes: [...checked.flatMap(({ note }) => (note ? [note] : [])), ...unknown, ...ungranted],
  };
}

/** True if some recipe is an app recipe. */
export function needsDocker(config: Pick<Config, 'recipes'>): boolean {
  return Object.values(config.recipes).some(isApp);
}

/** Names of the tool folders that some recipe mounts. */
export function toolsNeeded(config: Pick<Config, 'recipes'>): string[] {
  return [...new Set(commandsOf(config).flatMap((recipe) => recipe.tools))];
}

/** Hosts that some stage of some recipe may reach. */
export function hostsNeeded(config: Pick<Config, 'recipes'>): string[] {
  const stages = commandsOf(config).flatMap((recipe) => [...recipe.stages, ...(recipe.setup ? [recipe.setup] : [])]);
  return [...new Set(stages.flatMap((stage) => stage.network))];
}

function commandsOf({ recipes }: Pick<Config, 'recipes'>): CommandRecipe[] {
  return Object.values(recipes).filter(isCommands);
}

/** Places that no granted folder may contain or lie in: home, state, keys, and the folders of the session's sockets. */
export function placesOf(options: { env: Env; home: string; stateDir: string }): GrantPlaces {
  const { env, home, stateDir } = options;
  const sockets = [env.SSH_AUTH_SOCK ? dirname(env.SSH_AUTH_SOCK) : '', env.XDG_RUNTIME_DIR ?? ''].filter(Boolean);
  return { home, stateDir, keyDirs: [dirname(operatorKeyFile(env, home)), ...sockets] };
}

function folderOf(name: string, machine: Machine): string | null {
  if (/^packages(-\d+)?$/.test(name))
    return packageTools(machine.pipSources()).find((tool) => tool.name === name)?.path ?? null;
  if (name === 'node') return machine.node().tool?.path ?? everywhere;
  const python = name === 'python' || name === 'venv' ? machine.python() : null;
  if (python === null) return null;
  return name === 'venv' ? (python.venv?.path ?? null) : (python.tool?.path ?? everywhere);
}

// Granted if every box has the tool anyway: the recipe was written on a machine where the tool was elsewhere.
const everywhere = '/usr';

// A folder such as ~/.local contains the state as well as programs; then only its bin is granted.
function checkedTool(tool: ToolGrant, places: GrantPlaces): { tool: ToolGrant | null; note: string | null } {
  const path = realOf(tool.path) ?? tool.path;
  const why = checkGrant(path, places);
  if (why === null) return { tool: { ...tool, path }, note: null };
  const bin = join(path, 'bin');
  if (existsSync(bin) && checkGrant(bin, places) === null) return { tool: { ...tool, path: bin }, note: null };
  return { tool: null, note: `the tool folder "${tool.name}" is not granted: ${why}` };
}

/** The socket's path, links resolved. Throws UsageError if there is no socket. */
function checkedSocket(path: string): string {
  const real = realOf(path);
  if (real !== null && statSync(real).isSocket()) return real;
  throw new UsageError(`--docker ${path}: no socket there; start Docker, or give the path of its socket`);
}

function isIn(tools: readonly ToolGrant[], tool: ToolGrant): boolean {
  return tools.some(({ name, path }) => name === tool.name && path === tool.path);
}

function notFound(name: string): string {
  return `a recipe needs the tool "${name}", which was not found; type: coldpass init --tool ${name}=/its/folder`;
}
