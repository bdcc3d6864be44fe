// Readiness as data: asked over and over until it holds as often in a row as the recipe says.

import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ready } from '../../state/recipe.ts';
import type { Stack } from './app.ts';

const everyMs = 250;
const oneMs = 5000;
const headBytesMax = 16 * 1024;

/** Null once all hold, one after the other; else what did not, and what it said last. Rejects where the signal aborts. */
export async function awaitReady(
  stack: Stack,
  probes: readonly Ready[],
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<string | null> {
  const untilMs = Date.now() + seconds * 1000;
  for (const probe of probes) {
    let held = 0;
    let why = '';
    while (held < probe.stable) {
      signal.throwIfAborted();
      const fault = await ask(stack, probe).catch((error: Error) => error.message);
      held = fault === null ? held + 1 : 0;
      if (fault !== null) why = fault;
      if (held < probe.stable && Date.now() > untilMs) return `${probe.service} is not ready after ${seconds} s: ${why || 'it does not stay so'}`;
      if (held < probe.stable) await pause(everyMs, undefined, { signal });
    }
  }
  return null;
}

async function ask(stack: Stack, probe: Ready): Promise<string | null> {
  if ('exec' in probe) {
    const end = await stack.exec(probe.service, { command: ['sh', '-c', probe.exec], seconds: oneMs / 1000 });
    if (end.exit === 0) return null;
    const said = `${end.stderr}${end.stdout}`.trim().slice(-200);
    return end.timedOut ? `its command took longer than ${oneMs / 1000} s` : `its command ended with ${end.exit}: ${said}`;
  }
  const socket = await stack.connect(probe.service, 'tcp' in probe ? probe.tcp : probe.port);
  try {
    if ('tcp' in probe) return null;
    const status = await statusOf(socket, probe.service, probe.http);
    return probe.ok.includes(status) ? null : `http ${probe.http} answers ${status}`;
  } finally {
    socket.destroy();
  }
}

/** Of one plain request. Rejects where what comes is no HTTP. */
async function statusOf(socket: Duplex, host: string, path: string): Promise<number> {
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\naccept: */*\r\nuser-agent: coldpass\r\n\r\n`);
  let head = '';
  const deadline = AbortSignal.timeout(oneMs);
  while (!head.includes('\r\n') && head.length < headBytesMax) {
    const [chunk] = (await Promise.race([
      once(socket, 'data', { signal: deadline }),
      once(socket, 'close').then(() => [null]),
    ])) as [Buffer | null];
    if (chunk === null) break;
    head += chunk.toString('latin1');
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new Error(`http ${path}: ${head === '' ? 'no answer' : 'what answers speaks no HTTP'}`);
  return Number(status);
}
