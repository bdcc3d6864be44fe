// Ensures that every image of an app is present before anything is deployed. Without this Swarm would retry for ever
// and report the failure only in its tasks.

import type { Readable } from 'node:stream';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, httpStatusOf } from './docker.ts';

const pullSeconds = 900;
const lineBytesMax = 64 * 1024;
const reasonCharsMax = 200;

/** Null once all images are present, else one line for the first that cannot be pulled. The signal cancels pulls. */
export async function imagesMissing(docker: Docker, images: string[], signal: AbortSignal): Promise<string | null> {
  const faults = await Promise.all([...new Set(images)].map((image) => imageMissing(docker, image, signal)));
  return faults.find((line) => line !== null) ?? null;
}

async function imageMissing(docker: Docker, image: string, signal: AbortSignal): Promise<string | null> {
  if (await isHere(docker, image)) return null;
  const why = await pull(docker, image, signal);
  if (why === null && (await isHere(docker, image))) return null;
  const reason = (why ?? 'the pull fetched a different image').slice(0, reasonCharsMax);
  return `image ${image} is not here and cannot be pulled (${reason})`;
}

async function isHere(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (httpStatusOf(error) === 404) return false;
    throw error;
  }
}

/** Pulls an image. Null if that succeeded, else the message of the engine or the registry. */
async function pull(docker: Docker, image: string, signal: AbortSignal): Promise<string | null> {
  const deadline = AbortSignal.timeout(pullSeconds * 1000);
  const abortSignal = AbortSignal.any([signal, deadline]);
  try {
    return await errorIn((await docker.pull(image, { abortSignal })) as Readable);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return `not pulled within ${pullSeconds} s`;
    if (!(error instanceof RunnerError) || httpStatusOf(error) === null) throw error;
    return error.message.replace(/^Docker: \S+ \S+: /, '');
  }
}

/**
 * The error in a pull's output, which has one JSON object per line; an error is the last one. Null if there is none.
 */
async function errorIn(progress: Readable): Promise<string | null> {
  let rest = '';
  for await (const chunk of progress) rest = (rest + chunk).slice(-lineBytesMax);
  const last = rest.trim().split('\n').at(-1) ?? '';
  return /"error":"((?:[^"\\]|\\.)*)"/.exec(last)?.[1] ?? null;
}
