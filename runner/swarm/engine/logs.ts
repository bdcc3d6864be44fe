// What the containers of a service said, those that ended included as long as Swarm keeps them. Read from the containers: the
// engine's own logs of a service wait for tasks that never had one.

import { plainText } from '../../box/collect.ts';
import { type Docker, statusOf } from './docker.ts';
import { frames } from './frames.ts';
import { containersOf, type Place } from './place.ts';

const containersMax = 4;
const linesMax = 2_000;
const textCharsMax = 512 * 1024;
const wordsCharsMax = 160;

/** The last `lines` lines, the oldest first, a line ahead of each container's where there are several. */
export async function logsOf(place: Place, service: string, lines: number): Promise<string> {
  const found = (await containersOf(place, service, 'any')).slice(0, containersMax);
  const texts: string[] = [];
  let left = Math.min(lines, linesMax);
  for (const { Id } of found) {
    if (left <= 0) break;
    const text = await containerLogs(place.docker, Id, left);
    left -= text.split('\n').length;
    texts.unshift(found.length > 1 ? `--- container ${Id.slice(0, 12)}\n${text}` : text);
  }
  return texts
    .filter((text) => text !== '')
    .join('\n')
    .slice(-textCharsMax);
}

/** The last line that is not empty, for the end of a message; null where there is none. */
export async function lastWords(place: Place, service: string): Promise<string | null> {
  for (const { Id } of (await containersOf(place, service, 'any')).slice(0, containersMax)) {
    const text = await containerLogs(place.docker, Id, 3);
    if (text !== '') return text.split('\n').at(-1)?.slice(0, wordsCharsMax) ?? null;
  }
  return null;
}

/** What its last health check said, where that failed. Swarm itself says no more than how the task then ended. */
export async function sickness(place: Place, service: string): Promise<string | null> {
  for (const { Id } of (await containersOf(place, service, 'any')).slice(0, containersMax)) {
    const checks = await checksOf(place.docker, Id);
    const last = checks.at(-1);
    if (last === undefined) continue;
    if (last.ExitCode === 0) return null;
    // The last one of all may have been cut off by its container's end.
    const telling = checks.findLast(({ ExitCode, Output }) => ExitCode !== 0 && Output.trim() !== '');
    const said = plainText(Buffer.from(telling?.Output ?? '')).trim();
    return said.split('\n').at(-1)?.slice(0, wordsCharsMax) || `exit ${last.ExitCode}`;
  }
  return null;
}

type Check = { ExitCode: number; Output: string };

async function checksOf(docker: Docker, id: string): Promise<Check[]> {
  try {
    const { State } = await docker.getContainer(id).inspect();
    return (State.Health as { Log?: Check[] | null } | undefined)?.Log ?? [];
  } catch (error) {
    if (statusOf(error) === null) throw error;
    return [];
  }
}

/** A container that went, or keeps no logs, said nothing. */
async function containerLogs(docker: Docker, id: string, tail: number): Promise<string> {
  const container = docker.getContainer(id);
  try {
    const { Config } = await container.inspect();
    const bytes: Buffer | string = await container.logs({ stdout: true, stderr: true, tail });
    return plainText(await unframed(Buffer.from(bytes), Config.Tty)).trim();
  } catch (error) {
    if (statusOf(error) === null) throw error;
    return '';
  }
}

/** Both outputs in the order in which they came; those of a terminal have no frames. */
async function unframed(bytes: Buffer, isTerminal: boolean): Promise<Buffer> {
  if (isTerminal) return bytes;
  const parts: Buffer[] = [];
  for await (const frame of frames(once(bytes))) parts.push(frame.bytes);
  return Buffer.concat(parts);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
