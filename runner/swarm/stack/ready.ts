// Whether an app is ready for use, by the probes in its recipe: an HTTP answer, an open port, a command that exits with
// 0, each several times in a row. Swarm's own status says only that a process runs.

import type { Duplex } from 'node:stream';
import type { Ready } from '../../../state/entry/recipe.ts';
import { RunnerError } from '../../box/errors.ts';
import type { Stack } from '../app/app.ts';
import { wait } from '../app/wait.ts';

const askEveryMs = 300;
const askSeconds = 10;
const headBytesMax = 64 * 1024;
const lineCharsMax = 400;

/** Null once every probe has succeeded; else one line for the first that did not within `seconds`. */
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

/** Null once the probe has succeeded, else the fault of the last try. Tries at least once. */
async function awaitOne(stack: Stack, probe: Ready, untilMs: number, signal: AbortSignal): Promise<string | null> {
  let successes = 0;
  for (;;) {
    const fault = await faultOf(stack, probe, signal);
    successes = fault === null ? successes + 1 : 0;
    if (successes >= probe.stable) return null;
    if (Date.now() >= untilMs) return fault ?? `succeeded only ${successes} of ${probe.stable} times in a row`;
    await wait(askEveryMs, signal);
  }
}

/** A container that has just gone is a fault of the app; an engine that has gone throws. */
async function faultOf(stack: Stack, probe: Ready, signal: AbortSignal): Promise<string | null> {
  try {
    if ('exec' in probe) return await execFault(stack, probe.service, probe.exec);
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

async function execFault(stack: Stack, service: string, command: string): Promise<string | null> {
  const end = await stack.exec(service, { command: ['sh', '-c', command], seconds: askSeconds });
  if (end.exit === 0) return null;
  const output = `${end.stderr}`.trim() || `${end.stdout}`.trim();
  const how = end.timedOut ? `it did not end within ${askSeconds} s` : `exit ${end.exit}`;
  return output === '' ? how : `${how}: ${output.split('\n').at(-1)}`;
}

type HttpReady = Extract<Ready, { http: string }>;

async function wrongStatus(connection: Duplex, host: string, { http, ok }: HttpReady): Promise<string | null> {
  const status = await statusOver(connection, host, http);
  if (status === null) return `no HTTP answer within ${askSeconds} s`;
  return ok.includes(status) ? null : `answered ${status}, not ${ok.join(' or ')}`;
}

/** The status of a complete response head; null if none arrived. */
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
    // The connection broke: what has arrived counts.
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
