// The one place that makes a client of the Docker engine. Every call that it carries out ends: with an answer, with the
// signal's reason, or with RunnerError once its own deadline is over (a frozen engine answers nothing, for ever). Calls that
// last by their nature (`wait`, uploads) have a longer one; of a stream only the beginning is timed. An answer that is no
// success is a RunnerError too, with its `statusCode`.

import { Agent } from 'node:http';
import { inspect } from 'node:util';
import Dockerode from 'dockerode';
import { RunnerError } from '../../box/errors.ts';

export const socketDefault = '/var/run/docker.sock';
/** Half a minute is not much for an engine that starts eight containers on two cores. */
const callMs = 60_000;
const longCallMs = 3600_000;
const saidMax = 300;

export type Docker = Dockerode;
export type DockerOptions = { signal?: AbortSignal; callMs?: number };

/** Of the engine that listens there, whatever the environment says. Nothing is asked of it yet; nothing has to be closed. */
export function openDocker(socket: string = socketDefault, options: DockerOptions = {}): Docker {
  // dockerode would take host, protocol and timeout from DOCKER_HOST and its like.
  const own = { socketPath: socket, host: '', protocol: 'http' as const, timeout: 0 };
  const docker = new Dockerode(own);
  const modem = modemOf(docker);
  // A kept connection may just be closing as the next call begins.
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

/** A client of the same engine whose every call heeds the signal as well. */
export function within(docker: Docker, signal: AbortSignal): Docker {
  return openDocker(socketOf(docker), { signal });
}

export function socketOf(docker: Docker): string {
  return modemOf(docker).socketPath;
}

/** The status that the engine answered with; null for any other error. */
export function statusOf(error: unknown): number | null {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : null;
}

type Call = { path: string; method: string; file?: unknown; abortSignal?: AbortSignal };
type Answer = (error: unknown, data?: unknown) => void;
type Modem = { socketPath: string; agent: Agent; dial(call: Call, answer: Answer): void };

/** The part of dockerode that every call goes through; its types leave out most of it. */
function modemOf(docker: Docker): Modem {
  return docker.modem as unknown as Modem;
}

function limited(call: Call, options: DockerOptions) {
  const what = `${call.method} ${call.path.split('?', 1)[0]}`;
  const isLong = call.file !== undefined || /\/wait(\?|$)/.test(call.path);
  const ms = isLong ? longCallMs : (options.callMs ?? callMs);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ms);
  const asked = [options.signal, call.abortSignal].filter((each) => each !== undefined);
  return {
    signal: unseen(AbortSignal.any([...asked, late.signal])),
    done: () => clearTimeout(timer),
    why(error: unknown): unknown {
      const aborted = asked.find((each) => each.aborted);
      if (aborted !== undefined) return aborted.reason;
      if (late.signal.aborted) return broken(`it does not answer ${what} within ${ms / 1000} s`, error);
      return faultOf(what, error);
    },
  };
}

/** For each call dockerode's modem makes a text of all its options, to the last depth, and throws it away. */
function unseen<T extends object>(option: T): T {
  return Object.defineProperty(option, inspect.custom, { value: () => '…' });
}

function faultOf(what: string, error: unknown): unknown {
  const status = statusOf(error);
  const fault = broken(`${what}: ${saidIn(error)}`, error);
  return status === null ? fault : Object.assign(fault, { statusCode: status });
}

function broken(what: string, cause: unknown): RunnerError {
  return new RunnerError('engine', `Docker: ${what}`, { cause });
}

/** What the engine said, without dockerode's frame around it. */
function saidIn(error: unknown): string {
  const { json, message } = error as { json?: { message?: string } | null; message?: string };
  return (json?.message ?? message ?? String(error)).replace(/\s+/g, ' ').trim().slice(0, saidMax);
}
