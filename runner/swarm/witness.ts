// Things of somebody else, planted beside a run under names that look like its own: a teardown that removes by a pattern takes
// them too. They are counted after it, and only then removed.

import type { RunId } from '../../state/ids.ts';
import type { Docker } from './docker.ts';

const label = 'coldpass.witness';

/** One of each kind that is removed by name or label. Gives how many there are. */
export async function plantWitnesses(docker: Docker, run: RunId): Promise<number> {
  const { api } = docker;
  const stack = `cp${run.slice(2)}`;
  const Labels = { [label]: run };
  const Data = Buffer.from('witness').toString('base64');
  await docker.ask('plant witnesses', async (abortSignal) => {
    await Promise.all([
      api.createVolume({ Name: `${stack}x_data`, Labels, abortSignal }),
      api.createVolume({ Name: `x${stack}_data`, Labels, abortSignal }),
      api.createNetwork({ Name: `${stack}x_default`, Driver: 'bridge', Internal: true, Labels, abortSignal }),
      api.createSecret({ Name: `${stack}x_secret`, Labels, Data, abortSignal }),
      api.createConfig({ Name: `${stack}x_config`, Labels, Data, abortSignal } as never),
    ]);
  });
  return countWitnesses(docker, run);
}

export async function countWitnesses(docker: Docker, run: RunId): Promise<number> {
  return Object.values(await witnessesOf(docker, run)).flat().length;
}

/** Each that would not go, in words. */
export async function removeWitnesses(docker: Docker, run: RunId): Promise<string[]> {
  const { api } = docker;
  const { volumes, networks, secrets, configs } = await witnessesOf(docker, run);
  const gone = await docker.ask('remove witnesses', (abortSignal) =>
    Promise.allSettled([
      ...volumes.map((id) => api.getVolume(id).remove({ abortSignal })),
      ...networks.map((id) => api.getNetwork(id).remove({ abortSignal })),
      ...secrets.map((id) => api.getSecret(id).remove({ abortSignal })),
      ...configs.map((id) => api.getConfig(id).remove({ abortSignal })),
    ]),
  );
  return gone.flatMap((one) => (one.status === 'rejected' ? [`A witness could not be removed: ${one.reason}.`] : []));
}

/** Runs of which there is a witness. */
export async function runsWithWitnesses(docker: Docker): Promise<string[]> {
  const filters = { label: [label] };
  const { Volumes } = await docker.ask('list witnesses', (abortSignal) => docker.api.listVolumes({ filters, abortSignal }));
  return [...new Set((Volumes ?? []).flatMap(({ Labels }) => Labels?.[label] ?? []))];
}

async function witnessesOf(docker: Docker, run: RunId) {
  const { api } = docker;
  const filters = { label: [`${label}=${run}`] };
  const [{ Volumes }, networks, secrets, configs] = await docker.ask('list witnesses', (abortSignal) =>
    Promise.all([
      api.listVolumes({ filters, abortSignal }),
      api.listNetworks({ filters, abortSignal }),
      api.listSecrets({ filters, abortSignal }),
      api.listConfigs({ filters, abortSignal }),
    ]),
  );
  return {
    volumes: (Volumes ?? []).map(({ Name }) => Name),
    networks: networks.map(({ Id }) => Id),
    secrets: secrets.map(({ ID }) => ID),
    configs: (configs as { ID: string }[]).map(({ ID }) => ID),
  };
}
