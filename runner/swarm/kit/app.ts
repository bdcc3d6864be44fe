// Runs INSIDE the box of a hook or test, where it is called 'coldpass/app': the app under test, as a recipe's author sees it.
// docs/app-recipes.md tells how to use it. What it can do is what the run's socket allows (contextServer.ts).

import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { launch } from './browser.ts';
import { type HttpAnswer, type HttpOptions, request } from './http.ts';
import { type Answer, call, connect } from './wire.ts';

export type { HttpAnswer, HttpOptions };

export type ExecOptions = {
  /** 3 MB at most. */
  stdin?: string | Uint8Array;
  /** A user of the container, by name or number; else the image's own. */
  user?: string;
  /** 60 unless said, 600 at most; then the command is killed. */
  seconds?: number;
};
export type ExecResult = { exit: number; stdout: string; stderr: string };

export interface App {
  /** The run, as its record names it. */
  readonly run: string;
  /** The stack's name in Swarm. */
  readonly stack: string;
  readonly domain: string;
  /** The version label of what is deployed now: after the upgrade it is the new one. */
  readonly version: string | null;
  /** The resolved environment of the compose file, without secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** The apps that this one needs, by the recipe's names: the main service's host name, and its environment. */
  readonly needs: Readonly<Record<string, { host: string; env: Record<string, string> }>>;

  /**
   * Runs a command in the running container of a service; a string is handed to `sh -c`. A command that fails is an answer:
   * look at `exit`. Throws where there is no such container, and where the command did not end in time.
   */
  exec(service: string, command: string | readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** What a command wrote to standard output, if it ends with 0; else throws with what it said. */
  output(service: string, command: string | readonly string[], options?: ExecOptions): Promise<string>;
  /**
   * `http://SERVICE/…` or `https://SERVICE:PORT/…`. Every status is an answer. Redirects are followed only if `follow` says
   * so, certificates are not checked. Header names are in lower case; several cookies stand on a line each.
   */
  http(url: string, options?: HttpOptions): Promise<HttpAnswer>;
  /** A connection to a port of a service, also to one that listens on its loopback alone. Close it with `destroy()`. */
  tcp(service: string, port: number): Promise<Duplex>;
  /** The newest lines that the service's containers wrote. */
  logs(service: string): Promise<string>;
  /** What `setMark` kept under this name, in this or an earlier hook or test of the run; null where nothing was. */
  mark(name: string): Promise<string | null>;
  /** Keeps a value for the run: what a hook seeded and a later test looks for. 64 KiB at most. */
  setMark(name: string, value: string): Promise<void>;
  /** The value of a secret that was generated for the run, by its key in the compose file. */
  secret(key: string): Promise<string>;
  /**
   * Repeats `probe` until it does not throw, for `seconds` (15) at most; then the last error is thrown. For what takes a
   * moment to settle (a mail on its way), never to wait for data that a restore should have brought.
   */
  eventually<T>(probe: () => Promise<T>, seconds?: number): Promise<T>;
  /** Chromium, driven by Playwright. Pages reach the run's services at `http://SERVICE/`, and nothing else. Close it: what its
   * pages show then is kept as pictures. */
  browser(): Promise<Browser>;
}

const execSeconds = 60;
const eventuallySeconds = 15;
const pauseMs = 200;
const saidCharsMax = 2000;

type About = Pick<App, 'run' | 'stack' | 'domain' | 'version' | 'env' | 'needs'>;
const { run, stack, domain, version, env, needs }: About = JSON.parse(text(await call('GET', '/about')));

/** The app under test. */
export const app: App = {
  ...{ run, stack, domain, version, env, needs },
  exec,
  async output(service, command, options) {
    const { exit, stdout, stderr } = await exec(service, command, options);
    if (exit === 0) return stdout;
    const said = (stderr.trim() || stdout.trim()).slice(-saidCharsMax);
    throw new Error(`${words(command)} in ${service} exited with ${exit}: ${said}`);
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
  browser: launch,
};

async function exec(service: string, command: string | readonly string[], options: ExecOptions = {}) {
  const { stdin, user, seconds = execSeconds } = options;
  const asked = {
    ...{ service, seconds, command: typeof command === 'string' ? ['sh', '-c', command] : command },
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin).toString('base64') }),
    ...(user === undefined ? {} : { user }),
  };
  const answer = JSON.parse(text(await call('POST', '/exec', JSON.stringify(asked))));
  const [stdout, stderr] = [answer.stdout, answer.stderr].map((part) => Buffer.from(part, 'base64').toString());
  if (answer.exit !== null) return { exit: answer.exit, stdout, stderr } as ExecResult;
  const why = answer.timedOut ? `did not end within ${seconds} s` : 'did not come to its end: is its container gone?';
  throw new Error(`${words(command)} in ${service} ${why}`);
}

async function eventually<T>(probe: () => Promise<T>, seconds: number = eventuallySeconds): Promise<T> {
  const deadlineMs = performance.now() + seconds * 1000;
  let last: unknown = new Error(`it did not come to an end within ${seconds} s`);
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

/** The answer's text; what the run refused, or could not do, is thrown in its words. */
function text({ status, body }: Answer): string {
  if (status >= 200 && status < 300) return body.toString();
  throw new Error(body.toString() || `the run answered ${status}`);
}

function words(command: string | readonly string[]): string {
  return (typeof command === 'string' ? command : command.join(' ')).slice(0, 200);
}
