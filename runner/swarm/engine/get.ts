// What dockerode asks without a way to call it off, or gathers in memory first, asked of the engine's API through its
// connection: whole logs, whole images.

import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';

/** The answer's JSON, not looked at. Null for what is not there. */
export function engineJson(docker: Dockerode, path: string, abortSignal: AbortSignal): Promise<unknown> {
  return dial(docker, { path, abortSignal, isStream: false });
}

/** The answer's bytes as they come. Null for what is not there. */
export async function engineStream(
  docker: Dockerode,
  path: string,
  abortSignal: AbortSignal,
): Promise<Readable | null> {
  return (await dial(docker, { path, abortSignal, isStream: true })) as Readable | null;
}

type Asked = { path: string; abortSignal: AbortSignal; isStream: boolean };

function dial(docker: Dockerode, asked: Asked): Promise<unknown> {
  return new Promise((resolve, reject) =>
    docker.modem.dial(
      { ...asked, method: 'GET', statusCodes: { 200: true } },
      (error: Error | null, answer: unknown) => {
        if (error === null) resolve(answer);
        else if ('statusCode' in error && error.statusCode === 404) resolve(null);
        else reject(error);
      },
    ),
  );
}
