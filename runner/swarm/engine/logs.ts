// Logs of a service's containers, including ended ones for as long as Swarm keeps them. Read container by container,
// because the engine's service logs wait for tasks that never got a container.

import { plainText } from '../../box/collect.ts';
import { type Docker, httpStatusOf } from './docker.ts';
import { frames } from './frames.ts';
import { containersOf, type EngineRun } from './place.ts';

const containersMax = 4;
const linesMax = 2_000;
const textCharsMax = 512 * 1024;
const wordsCharsMax = 160;

/** The last `lines` lines, oldest first; with several containers, a heading line before each one's. */
export async function logsOf(place: EngineRun, service: string, lines: number): Promise<string> {
  const containers = (await containersOf(place, service, 'any')).slice(0, containersMax);
  const texts: string[] = [];
  let left = Math.min(lines, linesMax);
  for (const { Id } of containers) {
    if (left <= 0) break;
    const text = await containerLogs(place.docker, Id, left);
    left -= text.split('\n').length;
    texts.unshift(containers.length > 1 ? `--- container ${Id.slice(0, 12)}\n${text}` : text);
  }
  return texts
    .filter((text) => text !== '')
    .join('\n')
    .slice(-textCharsMax);
}

/** The last log line that is not empty, to append to a message; null if none. */
export async function lastWords(place: EngineRun, service: string): Promise<string | null> {
  for (const { Id } of (await containersOf(place, service, 'any')).slice(0, containersMax)) {
    const text = await containerLogs(place.docker, Id, 3);
    if (text !== '') return text.split('\n').at(-1)?.slice(0, wordsCharsMax) ?? null;
  }
  return null;
}

/**
 * The last output line of the last failed health check; null if the newest check passed, or there was none. Swarm
 * itself reports only how the task then ended.
 */
export async function sickness(place: EngineRun, service: string): Promise<string | null> {
  for (const { Id } of (await containersOf(place, service, 'any')).slice(0, containersMax)) {
    const checks = await checksOf(place.docker, Id);
    const last = checks.at(-1);
    if (last === undefined) continue;
    if (last.ExitCode === 0) return null;
    // The newest check may have been cut off when its container ended, so its output may be missing.
    const failed = checks.findLast(({ ExitCode, Output }) => ExitCode !== 0 && Output.trim() !== '');
    const output = plainText(Buffer.from(failed?.Output ?? '')).trim();
    return output.split('\n').at(-1)?.slice(0, wordsCharsMax) || `exit ${last.ExitCode}`;
  }
  return null;
}

type Check = { ExitCode: number; Output: string };

async function checksOf(docker: Docker, id: string): Promise<Check[]> {
  try {
    const { State } = await docker.getContainer(id).inspect();
    return (State.Health as { Log?: Check[] | null } | undefined)?.Log ?? [];
  } catch (error) {
    if (httpStatusOf(error) === null) throw error;
    return [];
  }
}

/** Empty for a container that has gone or keeps no logs. */
async function containerLogs(docker: Docker, id: string, tail: number): Promise<string> {
  const container = docker.getContainer(id);
  try {
    const { Config } = await container.inspect();
    const bytes: Buffer | string = await container.logs({ stdout: true, stderr: true, tail });
    return plainText(await unframed(Buffer.from(bytes), Config.Tty)).trim();
  } catch (error) {
    if (httpStatusOf(error) === null) throw error;
    return '';
  }
}

/** Stdout and stderr, in the order in which they arrived; the output of a terminal has no frames. */
async function unframed(bytes: Buffer, isTerminal: boolean): Promise<Buffer> {
  if (isTerminal) return bytes;
  const parts: Buffer[] = [];
  for await (const frame of frames(once(bytes))) parts.push(frame.bytes);
  return Buffer.concat(parts);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
