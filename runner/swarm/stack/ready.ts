// Whether an app is ready for use, as its recipe says it in data: an answer over HTTP, an open port, a command that ends with
// 0, each so many times running. Swarm's own green says only that a process runs.

import type { Duplex } from 'node:stream';
import type { Ready } from '../../../state/entry/recipe.ts';
import { RunnerError } from '../../box/errors.ts';
import type { Stack } from '../app/app.ts';
import { wait } from '../app/wait.ts';

const askEveryMs = 300;
const askSeconds = 10;
const headBytesMax = 64 * 1024;
const lineCharsMax = 400;

/** Null once every probe held; else one line, for the first that did not within `seconds`. */
export async function awaitReady(
  stack: Stack,
  probes: readonly Ready[],
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<string | null> {
  const untilMs = Date.now() + seconds * 1000;
  const answers = await Promise.all(probes.map((probe) => awaitOne(stack, probe, untilMs, signal)));
  const at = answers.findIndex((answer) => answer !== null);
  const probe = probes[at];
  if (probe === undefined) return null;
  return `not ready after ${seconds} s: ${nameOf(probe)}: ${answers[at]}`.slice(0, lineCharsMax);
}

/** Null, or what the last try saw. Asked once at least. */
async function awaitOne(stack: Stack, probe: Ready, untilMs: number, signal: AbortSignal): Promise<string | null> {
  let held = 0;
  for (;;) {
    const saw = await tried(stack, probe, signal);
    held = saw === null ? held + 1 : 0;
    if (held >= probe.stable) return null;
    if (Date.now() >= untilMs) return saw ?? `it held ${held} of ${probe.stable} times running`;
    await wait(askEveryMs, signal);
  }
}

/** A container that is just gone is an answer; an engine that is gone is not. */
async function tried(stack: Stack, probe: Ready, signal: AbortSignal): Promise<string | null> {
  try {
    if ('exec' in probe) return await saidNo(stack, probe.service, probe.exec);
    const connection = await stack.connect(probe.service, 'tcp' in probe ? probe.tcp : probe.port);
    if ('http' in probe) return await wrongStatus(connection, stack.names.domain, probe);
    connection.destroy();
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RunnerError && error.code !== 'no-container') throw error;
    return (error as Error).message;
  }
}

async function saidNo(stack: Stack, service: string, command: string): Promise<string | null> {
  const end = await stack.exec(service, { command: ['sh', '-c', command], seconds: askSeconds });
  if (end.exit === 0) return null;
  const said = `${end.stderr}`.trim() || `${end.stdout}`.trim();
  const how = end.timedOut ? `it did not end within ${askSeconds} s` : `exit ${end.exit}`;
  return said === '' ? how : `${how}: ${said.split('\n').at(-1)}`;
}

type HttpReady = Extract<Ready, { http: string }>;

async function wrongStatus(connection: Duplex, host: string, { http, ok }: HttpReady): Promise<string | null> {
  const status = await statusOver(connection, host, http);
  if (status === null) return `no HTTP answer within ${askSeconds} s`;
  return ok.includes(status) ? null : `answered ${status}, not ${ok.join(' or ')}`;
}

/** The status of a whole head; null where none came. */
async function statusOver(connection: Duplex, host: string, path: string): Promise<number | null> {
  const timer = setTimeout(() => connection.destroy(), askSeconds * 1000);
  let head = '';
  try {
    connection.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: coldpass\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
    for await (const chunk of connection) {
      head += (chunk as Buffer).toString('latin1');
      if (head.includes('\r\n\r\n') || head.length > headBytesMax) break;
    }
  } catch {
    // Cut off: what came is what it said.
  } finally {
    clearTimeout(timer);
    connection.destroy();
  }
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head)?.[1];
  return status === undefined || !head.includes('\r\n\r\n') ? null : Number(status);
}

function nameOf(probe: Ready): string {
  if ('exec' in probe) return `exec in ${probe.service} (${probe.exec.slice(0, 80)})`;
  if ('tcp' in probe) return `tcp ${probe.service}:${probe.tcp}`;
  return `http ${probe.service}:${probe.port}${probe.http}`;
}
