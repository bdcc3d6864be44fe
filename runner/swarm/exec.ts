// A command in a running container. The engine does not end a command whose caller went away: what takes too long is killed by
// its number on this machine.

import { z } from 'zod';
import type { ExecAsk, ExecEnd } from './app.ts';
import type { Docker } from './docker.ts';
import { frames } from './frames.ts';

const streamBytesMax = 4 * 1024 * 1024;
const exitPatienceMs = 5000;

const Inspected = z.object({ Running: z.boolean(), ExitCode: z.number().nullable(), Pid: z.number() });

/** Rejects with RunnerError where the engine fails or the container is gone; with the signal's reason where it aborts. */
export async function execIn(docker: Docker, container: string, ask: ExecAsk, signal: AbortSignal): Promise<ExecEnd> {
  const { command, stdin, user, seconds } = ask;
  const options = {
    ...{ Cmd: [...command], AttachStdin: stdin !== undefined, AttachStdout: true, AttachStderr: true },
    ...(user && { User: user }),
  };
  const exec = await docker.ask(
    'start a command in a container',
    (abortSignal) => docker.api.getContainer(container).exec({ ...options, abortSignal }),
    signal,
  );
  const inspect = async () => Inspected.parse(await docker.ask('look at a command', () => exec.inspect()));
  const until = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  const connection = await docker.ask('start a command in a container', () => exec.start({ hijack: true, stdin: true }), signal);
  const out = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const bytes = { stdout: 0, stderr: 0 };
  const end = () => {
    void inspect().then(({ Pid, Running }) => Running && Pid > 0 && kill(Pid), () => undefined);
    connection.destroy();
  };
  until.addEventListener('abort', end, { once: true });
  try {
    if (stdin !== undefined) connection.end(stdin);
    else connection.end();
    for await (const { channel, bytes: chunk } of frames(connection)) {
      if (bytes[channel] < streamBytesMax) out[channel].push(Buffer.from(chunk));
      bytes[channel] += chunk.length;
    }
  } catch (error) {
    if (!until.aborted) throw error;
  } finally {
    until.removeEventListener('abort', end);
  }
  signal.throwIfAborted();
  const [stdout, stderr] = [Buffer.concat(out.stdout), Buffer.concat(out.stderr)];
  if (until.aborted) return { exit: null, timedOut: true, stdout, stderr };
  return { exit: await exitOf(inspect), timedOut: false, stdout, stderr };
}

/** Its output ends a moment before the engine knows how it ended. */
async function exitOf(inspect: () => Promise<z.infer<typeof Inspected>>): Promise<number | null> {
  const untilMs = Date.now() + exitPatienceMs;
  for (;;) {
    const { Running, ExitCode } = await inspect();
    if (!Running) return ExitCode;
    if (Date.now() > untilMs) return null;
    await new Promise((done) => setTimeout(done, 20));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself, or is not ours to end.
  }
}
