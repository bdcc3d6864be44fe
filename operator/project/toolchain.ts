// The tools of this machine that a project's tests run on. They are found by asking the programs: version managers put
// shims and links on PATH, and only the program itself knows its folder. Every box has /usr; anything else must be
// granted as a tool folder.

import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findProgram } from '../../runner/box/machine.ts';
import type { ToolGrant } from '../../state/trail/workspace.ts';
import type { Env, LocalPackages, Machine, NodeTool, PipSources, PythonTool } from './project.ts';

const probeMsMax = 20_000;
const probeBytesMax = 1024 * 1024;

/** This machine, for `detect`. Each tool is looked up once, and only when needed. */
export function thisMachine(dir: string, env: Env, nodePath: string): Machine {
  const node = once(() => findNode(dir, env, nodePath));
  const python = once(() => findPython(dir, env));
  const inBox = (program: string | null) =>
    program !== null && (inEveryBox(program) || program.startsWith(`${node().tool?.path}/`));
  return {
    node,
    python,
    npmRegistry: once(() => npmRegistry(dir, env)),
    pipSources: once(() => pipSources(dir, env)),
    satisfies: (requirements) => satisfies(python(), requirements, dir, env),
    boxed: (name) => inBox(realProgram(programOnPath(name, env))),
  };
}

/** The absolute path of the first program of that name on PATH. Skips the folders that npm adds in front. */
export function programOnPath(name: string, env: Env): string | null {
  const folders = (env.PATH ?? '').split(':').filter((dir) => dir.startsWith('/') && !dir.includes('/node_modules/'));
  return findProgram(name, folders);
}

/** Your own node, else the one that runs Coldpass (`nodePath`). */
export function findNode(dir: string, env: Env, nodePath: string): NodeTool {
  const ask = 'console.log(JSON.stringify({ path: process.execPath, version: process.versions.node }))';
  const program = programOnPath('node', env);
  const own = program === null ? null : askJson<{ path: string; version: string }>(program, ['-e', ask], dir, env);
  const node = own ?? { path: nodePath, version: process.versions.node };
  const home = homeOf(realpathSync(node.path));
  const tool = inEveryBox(home) ? null : { name: 'node', path: home };
  return {
    version: node.version,
    tool,
    hasNpm: existsSync('/usr/bin/npm') || existsSync('/usr/local/bin/npm') || existsSync(join(home, 'bin', 'npm')),
  };
}

// Isolated mode, because packages in your user site folder are not in the box.
const pythonAsk = `
import importlib.util, json, sys
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({"version": sys.version.split()[0], "prefix": sys.prefix, "base": sys.base_prefix,
  "pytest": has("pytest"), "venv": has("venv") and has("ensurepip")}))
`;

/**
 * The python of the project's virtual environment or of the active one, else the first on PATH; null if there is none.
 */
export function findPython(dir: string, env: Env): PythonTool | null {
  const places = [join(dir, '.venv'), join(dir, 'venv'), ...(env.VIRTUAL_ENV ? [env.VIRTUAL_ENV] : [])];
  const programs = [
    ...places.map((place) => findProgram('python', [join(place, 'bin')])),
    programOnPath('python3', env),
    programOnPath('python', env),
  ];
  for (const program of programs) {
    const facts = program === null ? null : askJson<PythonFacts>(program, ['-I', '-c', pythonAsk], dir, env);
    if (program !== null && facts) return pythonFrom(program, facts);
  }
  return null;
}

type PythonFacts = { version: string; prefix: string; base: string; pytest: boolean; venv: boolean };

function pythonFrom(program: string, facts: PythonFacts): PythonTool {
  const base = realpathSync(facts.base);
  const venv = facts.prefix === facts.base ? null : { name: 'venv', path: realpathSync(facts.prefix) };
  return {
    program,
    version: facts.version,
    tool: inEveryBox(base) ? null : { name: 'python', path: base },
    venv,
    hasPytest: facts.pytest,
    makesVenv: facts.venv,
  };
}

const satisfiesAsk = `
import sys
from importlib.metadata import version
from pip._vendor.packaging.requirements import Requirement
wanted = [Requirement(line) for line in sys.argv[1:]]
met = all(version(one.name) in one.specifier for one in wanted if one.marker is None or one.marker.evaluate())
print("true" if met else "false")
`;

/** Whether this python has all of these requirements (`pytest>=8`) installed. False if unknown. */
function satisfies(python: PythonTool | null, requirements: readonly string[], dir: string, env: Env): boolean {
  if (python === null) return false;
  return askJson<boolean>(python.program, ['-I', '-c', satisfiesAsk, ...requirements], dir, env) === true;
}

/** The registry that your npm uses in `dir`. */
export function npmRegistry(dir: string, env: Env): string {
  const npm = programOnPath('npm', env);
  const setting = npm === null ? null : ask(npm, ['config', 'get', 'registry'], dir, env);
  return asUrl(setting) ?? 'https://registry.npmjs.org/';
}

/** Where your pip looks, read from pip's own settings, including its environment variables. */
export function pipSources(dir: string, env: Env): PipSources {
  const python = programOnPath('python3', env);
  const settings = (python === null ? null : ask(python, ['-m', 'pip', 'config', 'list'], dir, env)) ?? '';
  const of = (name: string) =>
    [...settings.matchAll(new RegExp(`^\\S+\\.${name}='(.*)'$`, 'gm'))].flatMap(([, value]) => words(value ?? ''));
  const extra = of('extra-index-url');
  const links = of('find-links').map((folder) => ({ folder, flag: `--find-links=${folder}` }));
  const indexes = extra.flatMap((url) => localIndex(url));
  const local = [...links, ...indexes].filter(({ folder }) => folder.startsWith('/') && existsSync(folder));
  return { index: asUrl(of('index-url')[0] ?? null), extra: extra.filter((url) => asUrl(url) !== null), local };
}

/** The folders of local packages as tools: `packages`, `packages-2` and so on. */
export function packageTools({ local }: PipSources): ToolGrant[] {
  const folders = [...new Set(local.map(({ folder }) => folder))];
  return folders.map((path, at) => ({ name: at === 0 ? 'packages' : `packages-${at + 1}`, path }));
}

// The pages of an index on disk (`…/simple`) point at files beside that folder.
function localIndex(url: string): LocalPackages[] {
  const path = url.startsWith('file:') ? new URL(url).pathname.replace(/\/+$/, '') : null;
  return path === null
    ? []
    : [{ folder: basename(path) === 'simple' ? dirname(path) : path, flag: `--extra-index-url=${url}` }];
}

// pip prints the values of a setting as one text, with escaped line breaks.
function words(value: string): string[] {
  return value.split(/\\n|\s+/).filter(Boolean);
}

/** `host`, or `host:port` if the port is not the scheme's default. */
export function hostOfUrl(url: string): string {
  return new URL(url).host;
}

/** Whether every box has this path. */
export function inEveryBox(path: string): boolean {
  return path === '/usr' || path.startsWith('/usr/');
}

function realProgram(path: string | null): string | null {
  return path === null ? null : realpathSync(path);
}

function once<T>(find: () => T): () => T {
  let cache: { value: T } | null = null;
  return () => {
    cache ??= { value: find() };
    return cache.value;
  };
}

// Returns the folder above bin/, so that npm and the libraries beside it are included; otherwise the program's own
// folder.
function homeOf(program: string): string {
  const folder = dirname(program);
  return basename(folder) === 'bin' ? dirname(folder) : folder;
}

function askJson<T>(program: string, args: string[], dir: string, env: Env): T | null {
  const output = ask(program, args, dir, env);
  try {
    // A shim may print something first: the answer is the last line.
    return output === null ? null : (JSON.parse(output.trim().split('\n').at(-1) ?? '') as T);
  } catch {
    return null;
  }
}

function ask(program: string, args: string[], dir: string, env: Env): string | null {
  const options = {
    cwd: dir,
    env: { ...env },
    encoding: 'utf8',
    timeout: probeMsMax,
    maxBuffer: probeBytesMax,
  } as const;
  const result = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout : null;
}

function asUrl(text: string | null): string | null {
  const url = URL.parse(text?.trim() ?? '');
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}
