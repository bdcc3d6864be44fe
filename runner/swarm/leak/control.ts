// The control of the leak search: a planted value. Unless the search finds it, a clean result proves nothing. The value
// is planted in a text, in encodings that Node can write, and on the engine, as a config of the run, so that the search
// of the engine is tested too.

import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type Dockerode from 'dockerode';
import type { RunId } from '../../../state/entry/ids.ts';
import { engineFault } from '../engine/fault.ts';
import { secretOf } from './canary.ts';

export type LeakControl = {
  value: string;
  /** A text to search, and the encodings in which the value must be found in it. */
  text: Buffer;
  encodings: readonly string[];
  /** Removes the config. May be called twice; has its own deadline. */
  remove(): Promise<void>;
};

const controlLength = 32;
const callTimeoutMs = 30_000;

export async function plantControl(docker: Dockerode, run: RunId, signal: AbortSignal): Promise<LeakControl> {
  const value = secretOf(controlLength, randomBytes);
  const bytes = Buffer.from(value);
  const written = {
    raw: value,
    base64: bytes.toString('base64'),
    hex: bytes.toString('hex'),
    'raw, split over lines': value.replace(/.{5}/g, '$&\\n'),
    reversed: [...value].reverse().join(''),
    'raw, in gzip': gzipSync(value),
  };
  const name = `cp${run.slice(2)}-control`;
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
  try {
    const config = { Name: name, Labels: await labelsOf(docker, run, abortSignal), Data: bytes.toString('base64') };
    // Ignores the signal: the engine would create the config anyway.
    await docker.createConfig({ ...config, abortSignal: AbortSignal.timeout(callTimeoutMs) });
  } catch (error) {
    await removeConfig(docker, name);
    signal.throwIfAborted();
    throw engineFault('create a config to test the leak search with', error);
  }
  return {
    value,
    text: Buffer.concat(Object.values(written).flatMap((form) => [Buffer.from(form), Buffer.from('\n--\n')])),
    encodings: Object.keys(written),
    remove: () => removeConfig(docker, name),
  };
}

/** The labels that every object of the run has. */
async function labelsOf(docker: Dockerode, run: RunId, abortSignal: AbortSignal): Promise<Record<string, string>> {
  const filters = { label: [`coldpass.run=${run}`] };
  const [container] = await docker.listContainers({ all: true, filters, abortSignal });
  const labels = Object.entries(container?.Labels ?? {}).filter(([name]) => name.startsWith('coldpass.'));
  return { ...Object.fromEntries(labels), 'coldpass.run': run };
}

async function removeConfig(docker: Dockerode, name: string): Promise<void> {
  const abortSignal = AbortSignal.timeout(callTimeoutMs);
  await docker
    .getConfig(name)
    .remove({ abortSignal })
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw engineFault(`remove the config ${name}`, error);
    });
}
