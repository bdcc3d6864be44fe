// The command line as people meet it: the real cli.ts as a child process, in a real repository, with its own home
// folder.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readScript } from '../../../agents/scripted/script.ts';
import { startScripted } from '../../../agents/scripted/scripted.ts';
import { type Files, git, makeRepo } from '../repo.ts';
import { tempDir } from '../temp.ts';
import { cliEnv } from './cliEnv.ts';

export const repositoryRoot = join(import.meta.dirname, '..', '..', '..');
const cli = join(repositoryRoot, 'cli.ts');

export type Said = { exit: number | null; out: string; err: string };
export type Ground = {
  dir: string;
  repo: string;
  state: string;
  env: Record<string, string>;
  /** Runs a command in the repository, with this ground's state folder. */
  type(args: string[], env?: Record<string, string>): Promise<Said>;
  /** Starts a command like `type`, but returns at once, so that a test can send signals and read output meanwhile. */
  start(args: string[], env?: Record<string, string>): Running;
};
export type Running = {
  child: ChildProcessWithoutNullStreams;
  /** Resolves once standard output matches. Rejects if the program ends before that. */
  until(pattern: RegExp): Promise<void>;
  done: Promise<Said>;
};

/** A project without dependencies, tested by node:test. */
export const nodeProject: Files = {
  'package.json': '{ "name": "sample", "type": "module", "scripts": { "test": "node --test" } }\n',
  'sum.test.js': `import { test } from 'node:test';\nimport assert from 'node:assert';\ntest('adds', () => assert.equal(1 + 1, 2));\n`,
};

/** The `coldpass.yml` that `init` would write for this project, but with a model that costs nothing. */
export const nodeConfig = `name: sample
recipes:
  unit:
    stages:
      - name: test
        run: node --test --test-reporter=junit --test-reporter-destination=.report.xml
        seconds: 60
        report: .report.xml
    tests: ["**/*.test.js"]
    tools: [node]
agents:
  model: scripted
`;

/** A repository of these files, in a folder with its own home, keys and state, before `coldpass init`. */
export function ground(files: Files = { ...nodeProject, 'coldpass.yml': nodeConfig }): Ground {
  const dir = realpathSync(tempDir());
  const repo = makeRepo([files], join(dir, 'repo')).dir;
  return groundIn(dir, repo);
}

/** A ground whose repository is the existing folder `repo`, whatever it contains. */
export function groundIn(dir: string, repo: string): Ground {
  const state = join(dir, 'state');
  const home = join(dir, 'home');
  mkdirSync(home, { recursive: true });
  const { PATH = '/usr/bin:/bin', TMPDIR } = process.env;
  // The Node that runs the tests comes first on PATH, so that `init` finds it and no other Node of the machine.
  const env = { PATH: `${join(process.execPath, '..')}:${PATH}`, HOME: home, ...cliEnv, ...(TMPDIR && { TMPDIR }) };
  const start = (args: string[], more: Record<string, string> = {}): Running =>
    running(process.execPath, [cli, ...args, ...(args[0]?.startsWith('-') ? [] : ['--state', state])], repo, {
      ...env,
      ...more,
    });
  return { dir, repo, state, env, start, type: (args, more) => start(args, more).done };
}

/** A ground on which `coldpass init` has run. */
export async function workspace(files?: Files): Promise<Ground> {
  const place = ground(files);
  const result = await place.type(['init']);
  if (result.exit !== 0) throw new Error(`init: exit ${result.exit}: ${result.out}${result.err}`);
  return place;
}

/** Writes these files and commits everything in the repository. */
export function commit(repo: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(repo, path), text);
  git(repo, ['add', '-A']);
  git(repo, ['commit', '--quiet', '-m', 'more']);
}

/** Starts an endpoint that plays the script; returns the environment variables with its address and a key. */
export async function scripted(yaml: string): Promise<Record<string, string>> {
  const server = await startScripted(readScript(yaml, 'script.yml'));
  onTestFinished(() => server.close());
  return { ANTHROPIC_API_KEY: 'a-script-needs-no-key', ANTHROPIC_BASE_URL: server.url };
}

/** Starts any program the way `start` starts the command line. */
export function running(file: string, args: string[], cwd: string, env: Record<string, string>): Running {
  const child = spawn(file, args, { cwd, env });
  child.stdin.end();
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const done = new Promise<Said>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, out, err }));
  });
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(out)) resolve();
      };
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`ended without ${pattern}: ${out}${err}`)));
      look();
    });
  return { child, until, done };
}
