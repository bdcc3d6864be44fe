// Engine API calls that dockerode either cannot cancel or buffers in memory, made directly through its connection:
// whole logs, whole images.

import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';

/** The answer's JSON, not validated. Null if the engine answers 404. */
export function engineJson(docker: Dockerode, path: string, abortSignal: AbortSignal): Promise<unknown> {
  return dial(docker, { path, abortSignal, isStream: false });
}

/** The answer's bytes as they arrive. Null if the engine answers 404. */
export async function engineStream(
  docker: Dockerode,
  path: string,
  abortSignal: AbortSignal,
): Promise<Readable | null> {
  return (await dial(docker, { path, abortSignal, isStream: true })) as Readable | null;
}

type Request = { path: string; abortSignal: AbortSignal; isStream: boolean };

function dial(docker: Dockerode, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) =>
    docker.modem.dial(
      { ...request, method: 'GET', statusCodes: { 200: true } },
      (error: Error | null, answer: unknown) => {
        if (error === null) resolve(answer);
        else if ('statusCode' in error && error.statusCode === 404) resolve(null);
        else reject(error);
      },
    ),
  );
}
