// Every image of an app is there before anything is deployed: Swarm would try again and again, and say it only in its tasks.

import type { Readable } from 'node:stream';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, statusOf } from './docker.ts';

const pullSeconds = 900;
const lineBytesMax = 64 * 1024;
const saidMax = 200;

/** Null once all are here, else one line for the first that is not and cannot be had. Pulls are given up with the signal. */
export async function imagesMissing(docker: Docker, images: string[], signal: AbortSignal): Promise<string | null> {
  const found = await Promise.all([...new Set(images)].map((image) => imageMissing(docker, image, signal)));
  return found.find((line) => line !== null) ?? null;
}

async function imageMissing(docker: Docker, image: string, signal: AbortSignal): Promise<string | null> {
  if (await isHere(docker, image)) return null;
  const why = await pull(docker, image, signal);
  if (why === null && (await isHere(docker, image))) return null;
  return `image ${image} is not here and cannot be pulled (${(why ?? 'the pull brought another').slice(0, saidMax)})`;
}

async function isHere(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** Why not, as the engine or the registry says it. */
async function pull(docker: Docker, image: string, signal: AbortSignal): Promise<string | null> {
  const deadline = AbortSignal.timeout(pullSeconds * 1000);
  const abortSignal = AbortSignal.any([signal, deadline]);
  try {
    return await errorIn((await docker.pull(image, { abortSignal })) as Readable);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return `not within ${pullSeconds} s`;
    if (!(error instanceof RunnerError) || statusOf(error) === null) throw error;
    return error.message.replace(/^Docker: \S+ \S+: /, '');
  }
}

/** The stream is a JSON object a line; an error is its last. */
async function errorIn(progress: Readable): Promise<string | null> {
  let rest = '';
  for await (const chunk of progress) rest = (rest + chunk).slice(-lineBytesMax);
  const last = rest.trim().split('\n').at(-1) ?? '';
  return /"error":"((?:[^"\\]|\\.)*)"/.exec(last)?.[1] ?? null;
}
