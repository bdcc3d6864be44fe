// The only place that creates a client of the Docker engine. Every call ends: with an answer, with the signal's reason,
// or with a RunnerError at the call's deadline (a frozen engine never answers). Calls that take long by nature (`wait`,
// uploads) have a longer deadline; for a stream, only the start is timed. An error status also gives a RunnerError,
// with the status as `statusCode`.

import { Agent } from 'node:http';
import { inspect } from 'node:util';
import Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';

export const socketDefault = '/var/run/docker.sock';
/** An engine that starts eight containers on two cores may need half a minute. */
const callMs = 60_000;
const longCallMs = 3600_000;
const messageCharsMax = 300;

export type Docker = Dockerode;
export type DockerOptions = { signal?: AbortSignal; callMs?: number };

/** A client of the engine at `socket`; ignores the environment. Makes no call yet; needs no closing. */
export function openDocker(socket: string = socketDefault, options: DockerOptions = {}): Docker {
  // Otherwise dockerode would take host, protocol and timeout from DOCKER_HOST and similar variables.
  const docker = new Dockerode({ socketPath: socket, host: '', protocol: 'http', timeout: 0 });
  const modem = modemOf(docker);
  // A kept-alive connection may close just as the next call begins.
  modem.agent = unseen(new Agent({ keepAlive: false }));
  const dial = modem.dial.bind(modem);
  modem.dial = (call, answer) => {
    const { signal, done, why } = limited(call, options);
    dial({ ...call, abortSignal: signal }, (error, data) => {
      done();
      answer(error === null || error === undefined ? null : why(error), data);
    });
  };
  return docker;
}

/** A client of the same engine whose calls also heed the signal. */
export function withSignal(docker: Docker, signal: AbortSignal): Docker {
  return openDocker(socketOf(docker), { signal });
}

export function socketOf(docker: Docker): string {
  return modemOf(docker).socketPath;
}

/** The HTTP status of the engine's answer; null for any other error. */
export function httpStatusOf(error: unknown): number | null {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : null;
}

type Call = { path: string; method: string; file?: unknown; abortSignal?: AbortSignal };
type Answer = (error: unknown, data?: unknown) => void;
type Modem = { socketPath: string; agent: Agent; dial(call: Call, answer: Answer): void };

/** The part of dockerode that every call passes through; dockerode's types omit most of it. */
function modemOf(docker: Docker): Modem {
  return docker.modem as unknown as Modem;
}

function limited(call: Call, options: DockerOptions) {
  const what = `${call.method} ${call.path.split('?', 1)[0]}`;
  const isLong = call.file !== undefined || /\/wait(\?|$)/.test(call.path);
  const ms = isLong ? longCallMs : (options.callMs ?? callMs);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  const signals = [options.signal, call.abortSignal].filter((each) => each !== undefined);
  return {
    signal: unseen(AbortSignal.any([...signals, late.signal])),
    done: () => clearTimeout(timer),
    why(error: unknown): unknown {
      const aborted = signals.find((each) => each.aborted);
      if (aborted !== undefined) return aborted.reason;
      if (late.signal.aborted) return broken(`it does not answer ${what} within ${ms / 1000} s`, error);
      return faultOf(what, error);
    },
  };
}

/**
 * Hides an option from `util.inspect`: on each call dockerode's modem formats all options in full, then discards the
 * text.
 */
function unseen<T extends object>(option: T): T {
  return Object.defineProperty(option, inspect.custom, { value: () => '…' });
}

function faultOf(what: string, error: unknown): unknown {
  const status = httpStatusOf(error);
  const fault = broken(`${what}: ${messageOf(error)}`, error);
  return status === null ? fault : Object.assign(fault, { statusCode: status });
}

function broken(what: string, cause: unknown): RunnerError {
  return new RunnerError('engine', `Docker: ${what}`, { cause });
}

/** The engine's own message, without dockerode's wrapping. */
function messageOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: string } | null; message?: string };
  return (json?.message ?? message ?? String(error)).replace(/\s+/g, ' ').trim().slice(0, messageCharsMax);
}
