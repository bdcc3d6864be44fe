// Witnesses: decoys with almost the names of the run's objects, but without its label. If teardown ever went by names,
// it would remove them, and their count would show it. None of them runs; each costs the engine only a database entry.

import type { RunId } from '../../../state/entry/ids.ts';
import type { Docker } from '../engine/docker.ts';
import { stackOf } from '../engine/place.ts';
import { removeLabelled } from './removeRun.ts';
import { countOf, labelledObjects } from './residue.ts';

export const witnessLabel = 'coldpass.witness';
const removeMs = 60_000;

/** Returns how many were planted. If it rejects, `removeWitnesses` removes those already created. */
export async function plantWitnesses(docker: Docker, run: RunId): Promise<number> {
  const stack = stackOf(run);
  const Labels = { [witnessLabel]: run };
  const Data = Buffer.from('of nobody').toString('base64');
  const witnesses = await Promise.all([
    docker.createVolume({ Name: `x${stack}_data`, Labels }),
    docker.createVolume({ Name: `${stack}_datax`, Labels }),
    docker.createNetwork({ Name: `${stack}_proxyx`, Driver: 'overlay', CheckDuplicate: true, Labels }),
    docker.createSecret({ Name: `x${stack}_secret`, Labels, Data }),
    docker.createConfig({ Name: `${stack}x_config`, Labels, Data }),
    // The image need not exist, because no task is ever created.
    docker.createService({
      Name: `${stack}x_app`,
      Labels,
      Mode: { Replicated: { Replicas: 0 } },
      TaskTemplate: { ContainerSpec: { Image: 'coldpass-witness:none' } },
    }),
  ]);
  return witnesses.length;
}

/** How many witnesses still exist. */
export async function countWitnesses(docker: Docker, run: RunId): Promise<number> {
  return countOf(await labelledObjects(docker, witnessLabel, run));
}

/** Same contract as `removeRun`. */
export async function removeWitnesses(docker: Docker, run: RunId): Promise<string[]> {
  return removeLabelled(docker, { label: witnessLabel, value: run, deadlineMs: removeMs });
}
