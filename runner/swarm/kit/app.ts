// Runs INSIDE the box of a hook or test, where it is imported as 'coldpass/app': the app under test, as a recipe's
// author sees it; docs/app-recipes.md explains its use. It can do only what the run's socket allows
// (suite/contextServer.ts).

import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { type HttpAnswer, type HttpOptions, request } from './http.ts';
import { call, connect, type WireAnswer } from './wire.ts';

export type { HttpAnswer, HttpOptions };

export type ExecOptions = {
  /** 3 MB at most. */
  stdin?: string | Uint8Array;
  /** A user in the container, by name or number; the image's user by default. */
  user?: string;
  /** After this time the command is killed: 60 by default, 600 at most. */
  seconds?: number;
};
export type ExecResult = { exit: number; stdout: string; stderr: string };

export interface App {
  /** The run's id, as in its record. */
  readonly run: string;
  /** The name of the Swarm stack. */
  readonly stack: string;
  readonly domain: string;
  /** The version label of the deployment: the new one after the upgrade. */
  readonly version: string | null;
  /** The resolved environment of the compose file, without secrets. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * The apps that this one needs, by their names in the recipe: for each, its main service's host name and its
   * environment.
   */
  readonly needs: Readonly<Record<string, { host: string; env: Record<string, string> }>>;

  /**
   * Runs a command in the running container of a service; a string is passed to `sh -c`. Does not throw if the command
   * fails: check `exit`. Throws if the service has no running container, or if the command takes too long.
   */
  exec(service: string, command: string | readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Runs a command and returns its standard output. Throws, with its output, unless it exits with 0. */
  output(service: string, command: string | readonly string[], options?: ExecOptions): Promise<string>;
  /**
   * Requests `http://SERVICE/…` or `https://SERVICE:PORT/…`. Returns any status without throwing. Redirects are
   * followed only with `follow`; certificates are not checked. Header names are in lower case; several cookies are
   * separated by line breaks.
   */
  http(url: string, options?: HttpOptions): Promise<HttpAnswer>;
  /**
   * Connects to a port of a service, even one that is open only on the service's loopback. Close it with `destroy()`.
   */
  tcp(service: string, port: number): Promise<Duplex>;
  /** The last log lines of the service's containers. */
  logs(service: string): Promise<string>;
  /** The value that a hook or test of this run stored under this name with `setMark`; null if none. */
  mark(name: string): Promise<string | null>;
  /** Stores a value for the rest of the run: what a hook seeded and a later test looks for. 64 KiB at most. */
  setMark(name: string, value: string): Promise<void>;
  /** The value of one of the run's generated secrets, by its key in the compose file. */
  secret(key: string): Promise<string>;
  /**
   * Repeats `probe` until it does not throw, for at most `seconds` (15 by default); then throws the last error. Use it
   * for things that take a moment (a mail being delivered), never to wait for data that a restore should have brought
   * back.
   */
  eventually<T>(probe: () => Promise<T>, seconds?: number): Promise<T>;
  /**
   * Chromium, driven by Playwright. Pages reach the run's services at `http://SERVICE/`, and nothing else. Close it:
   * that takes a screenshot of each open page.
   */
  browser(): Promise<Browser>;
}

const execSeconds = 60;
const eventuallySeconds = 15;
const pauseMs = 200;
const outputCharsMax = 2000;

type About = Pick<App, 'run' | 'stack' | 'domain' | 'version' | 'env' | 'needs'>;
const { run, stack, domain, version, env, needs }: About = JSON.parse(text(await call('GET', '/about')));

/** The app under test. */
export const app: App = {
  run,
  stack,
  domain,
  version,
  env,
  needs,
  exec,
  async output(service, command, options) {
    const { exit, stdout, stderr } = await exec(service, command, options);
    if (exit === 0) return stdout;
    const output = (stderr.trim() || stdout.trim()).slice(-outputCharsMax);
    throw new Error(`${words(command)} in ${service} exited with ${exit}: ${output}`);
  },
  http: request,
  tcp: (service, port) => connect(service, port),
  logs: async (service) => text(await call('GET', `/logs/${encodeURIComponent(service)}`)),
  async mark(name) {
    const answer = await call('GET', `/marks/${encodeURIComponent(name)}`);
    return answer.status === 404 ? null : text(answer);
  },
  async setMark(name, value) {
    text(await call('PUT', `/marks/${encodeURIComponent(name)}`, value));
  },
  secret: async (key) => text(await call('GET', `/secrets/${encodeURIComponent(key)}`)),
  eventually,
  browser: launchBrowser,
};

async function exec(service: string, command: string | readonly string[], options: ExecOptions = {}) {
  const { stdin, user, seconds = execSeconds } = options;
  const body = {
    service,
    seconds,
    command: typeof command === 'string' ? ['sh', '-c', command] : command,
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin).toString('base64') }),
    ...(user === undefined ? {} : { user }),
  };
  const answer = JSON.parse(text(await call('POST', '/exec', JSON.stringify(body))));
  const [stdout, stderr] = [answer.stdout, answer.stderr].map((part) => Buffer.from(part, 'base64').toString());
  if (answer.exit !== null) return { exit: answer.exit, stdout, stderr } as ExecResult;
  const why = answer.timedOut ? `did not end within ${seconds} s` : 'did not finish: is its container gone?';
  throw new Error(`${words(command)} in ${service} ${why}`);
}

async function eventually<T>(probe: () => Promise<T>, seconds: number = eventuallySeconds): Promise<T> {
  const deadlineMs = performance.now() + seconds * 1000;
  let last: unknown = new Error(`the probe did not finish within ${seconds} s`);
  for (;;) {
    const late = new AbortController();
    const left = Math.max(0, deadlineMs - performance.now());
    try {
      const timeout = pause(left, undefined, { signal: late.signal }).then(() => Promise.reject(last));
      timeout.catch(() => {});
      return await Promise.race([probe(), timeout]);
    } catch (error) {
      last = error;
    } finally {
      late.abort();
    }
    if (performance.now() + pauseMs >= deadlineMs) throw last;
    await pause(pauseMs);
  }
}

/** The answer's text. Throws with the run's message if the run refused the call or could not carry it out. */
function text({ status, body }: WireAnswer): string {
  if (status >= 200 && status < 300) return body.toString();
  throw new Error(body.toString() || `the run answered ${status}`);
}

function words(command: string | readonly string[]): string {
  return (typeof command === 'string' ? command : command.join(' ')).slice(0, 200);
}
