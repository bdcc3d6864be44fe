// Measures the speed of the leak search: searches a stream without secrets for as many secrets as a large app has.

import { randomBytes } from 'node:crypto';
import { secretOf } from '../runner/swarm/leak/canary.ts';
import { leakSearch } from '../runner/swarm/leak/search.ts';

const secretsCount = 12;
const chunkBytes = 64 * 1024;
const chunks = 3200;

/** How many seconds it takes to search `megabytes` of text, and to search the same amount of random bytes. */
export async function benchLeaks(): Promise<{ megabytes: number; textSeconds: number; randomSeconds: number }> {
  const secrets = Array.from({ length: secretsCount }, (_, index) => [`${index}`, secretOf(32, randomBytes)] as const);
  const { search } = leakSearch(new Map(secrets));
  const random = randomBytes(chunkBytes);
  const text = Buffer.from(random.toString('base64')).subarray(0, chunkBytes);
  const seconds = async (chunk: Buffer) => {
    const startedAtMs = performance.now();
    await search(Array(chunks).fill(chunk));
    return (performance.now() - startedAtMs) / 1000;
  };
  const megabytes = (chunkBytes * chunks) / 2 ** 20;
  return { megabytes, textSeconds: await seconds(text), randomSeconds: await seconds(random) };
}
