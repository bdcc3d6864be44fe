// The search's own control: a value that must be found, or nothing that was not found means anything. It lies in a text, in
// encodings that node writes, and on the engine, as a config of the run, so that looking there is tried too.

import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type Dockerode from 'dockerode';
import type { RunId } from '../../../state/entry/ids.ts';
import { engineFault } from '../engine/fault.ts';
import { secretOf } from './canary.ts';

export type Control = {
  value: string;
  /** A place of its own to be searched, and the encodings in which it must be found there. */
  text: Buffer;
  encodings: readonly string[];
  /** Idempotent; own deadline. */
  remove(): Promise<void>;
};

const controlLength = 32;
const callTimeoutMs = 30_000;

export async function plantControl(docker: Dockerode, run: RunId, signal: AbortSignal): Promise<Control> {
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
    // Not called off: the engine would make it all the same.
    await docker.createConfig({ ...config, abortSignal: AbortSignal.timeout(callTimeoutMs) });
  } catch (error) {
    await removeConfig(docker, name);
    signal.throwIfAborted();
    throw engineFault('make a config to try the search with', error);
  }
  return {
    value,
    text: Buffer.concat(Object.values(written).flatMap((form) => [Buffer.from(form), Buffer.from('\n--\n')])),
    encodings: Object.keys(written),
    remove: () => removeConfig(docker, name),
  };
}

/** As everything of the run carries them. */
async function labelsOf(docker: Dockerode, run: RunId, abortSignal: AbortSignal): Promise<Record<string, string>> {
  const filters = { label: [`coldpass.run=${run}`] };
  const [one] = await docker.listContainers({ all: true, filters, abortSignal });
  const own = Object.entries(one?.Labels ?? {}).filter(([name]) => name.startsWith('coldpass.'));
  return { ...Object.fromEntries(own), 'coldpass.run': run };
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
