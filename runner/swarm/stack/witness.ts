// Things of nobody's beside a run, with names almost like its own and without its label: if teardown ever goes by names, they
// are gone, and their count says so. None runs; none costs more than a row in a table.

import type { RunId } from '../../../state/entry/ids.ts';
import type { Docker } from '../engine/docker.ts';
import { stackOf } from '../engine/place.ts';
import { removeLabelled } from './removeRun.ts';
import { countOf, labelled } from './residue.ts';

export const witnessLabel = 'coldpass.witness';
const removeMs = 60_000;

/** How many were planted. What was made before it rejects is `removeWitnesses`'s. */
export async function plantWitnesses(docker: Docker, run: RunId): Promise<number> {
  const stack = stackOf(run);
  const Labels = { [witnessLabel]: run };
  const Data = Buffer.from('of nobody').toString('base64');
  const made = await Promise.all([
    docker.createVolume({ Name: `x${stack}_data`, Labels }),
    docker.createVolume({ Name: `${stack}_datax`, Labels }),
    docker.createNetwork({ Name: `${stack}_proxyx`, Driver: 'overlay', CheckDuplicate: true, Labels }),
    docker.createSecret({ Name: `x${stack}_secret`, Labels, Data }),
    docker.createConfig({ Name: `${stack}x_config`, Labels, Data }),
    // Its image is never looked for, since no task of it is ever made.
    docker.createService({
      ...{ Name: `${stack}x_app`, Labels, Mode: { Replicated: { Replicas: 0 } } },
      TaskTemplate: { ContainerSpec: { Image: 'coldpass-witness:none' } },
    }),
  ]);
  return made.length;
}

/** Those that are there. */
export async function countWitnesses(docker: Docker, run: RunId): Promise<number> {
  return countOf(await labelled(docker, witnessLabel, run));
}

/** As `removeRun`. */
export async function removeWitnesses(docker: Docker, run: RunId): Promise<string[]> {
  return removeLabelled(docker, { label: witnessLabel, value: run, deadlineMs: removeMs });
}
