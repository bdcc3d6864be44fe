// Plays a run's app without a Docker engine, behind `AppHost`: `exec` starts real processes on this machine, `connect`
// reaches real servers on its loopback. Also opens a test suite over it, with a real socket, real boxes and real
// vitest.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RunnerError } from '../../../runner/box/errors.ts';
import type { About, AppHost, ExecAsk, ExecEnd } from '../../../runner/swarm/app/app.ts';
import { type Context, openContext } from '../../../runner/swarm/suite/contextServer.ts';
import { openSuite, type Suite } from '../../../runner/swarm/suite/suite.ts';
import { RunId } from '../../../state/entry/ids.ts';
import { AppRecipe } from '../../../state/entry/recipe.ts';
import { openBoxes, treeOf } from '../box.ts';

export const modules = realpathSync(join(import.meta.dirname, '../../../node_modules'));

export type FakeApp = {
  /** For each service and each port of the app, the port on this machine's loopback that stands for it. */
  ports?: Record<string, Record<number, number>>;
  secrets?: Record<string, string>;
  about?: Partial<About>;
  /** Called instead of starting a process. */
  exec?: (service: string, ask: ExecAsk) => Promise<ExecEnd>;
  connect?: AppHost['connect'];
};

export function appHost(app: FakeApp = {}): AppHost {
  const { ports = {}, secrets = {} } = app;
  const services = [...new Set(['app', 'db', ...Object.keys(ports)])];
  const about = { run: RunId.parse('r-0123456789ab'), stack: 'cp0123456789ab', domain: 'app.test', version: '1.0.0+2' };
  return {
    about: () => ({ ...about, env: { LEVEL: '5' }, services, needs: {}, ...app.about }),
    exec: app.exec ?? ((_service, ask) => onThisMachine(ask)),
    connect: app.connect ?? ((service, port) => connected(ports[service]?.[port])),
    logs: async (service) => `${service} is up\n`,
    secret: (key) => secrets[key] ?? null,
  };
}

async function connected(port: number | undefined): Promise<net.Socket> {
  if (port === undefined) throw new RunnerError('engine', 'the container does not listen there');
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

function onThisMachine({ command, stdin = Buffer.alloc(0), seconds }: ExecAsk): Promise<ExecEnd> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    env: { PATH: '/usr/bin:/bin' },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => {
      const streams = { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
      resolve({ exit, timedOut: signal === 'SIGKILL', ...streams });
    });
  });
}

export type OpenSuite = { suite: Suite; context: Context; tree: string; stateDir: string };

/** Opens a suite: `files` are a tree whose tests are in `tests/`, `host` is the app that they use. */
export async function suiteOf(files: Record<string, string>, host: AppHost, more: object = {}): Promise<OpenSuite> {
  const { sandbox, stateDir } = await openBoxes();
  const tree = await treeOf({ sandbox, stateDir }, files, { role: 'verify' });
  const context = await openContext({ dir: join(stateDir, 'context'), host, owner: sandbox.owner('verify') });
  onTestFinished(() => context.close());
  const recipe = AppRecipe.parse({ engine: 'swarm', suite: 'tests', tests: ['tests/**'], ...more });
  const out = await treeOf({ sandbox, stateDir }, {}, { role: 'verify', name: 'out' });
  const suite = openSuite({ sandbox, tree, out, contextDir: context.dir, recipe, modules });
  onTestFinished(async () => void (await suite.close()));
  return { suite, context, tree, stateDir };
}

export const never = new AbortController().signal;
