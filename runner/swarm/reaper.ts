// Takes down what dead runs left in the engine. Which runs there are is read off the labels; dead is a run whose lock is free, and
// it is held while it is taken down, so that two reapers do not meet. Nothing without our label is touched.

import { RunId } from '../../state/ids.ts';
import type { Docker } from './docker.ts';
import { removeRun } from './residue.ts';
import { tryLock } from './runLock.ts';
import { removeWitnesses, runsWithWitnesses } from './witness.ts';

const atOnceMax = 4;
const removalMs = 120_000;

export type Reaped = { reaped: RunId[]; stuck: string[] };

/** Rejects where the engine does not answer. */
export async function reap(docker: Docker, { isLive }: { isLive(run: RunId): boolean }): Promise<Reaped> {
  const all = (await runsIn(docker)).filter((run) => !isLive(run));
  const end: Reaped = { reaped: [], stuck: [] };
  const worker = async (): Promise<void> => {
    for (let run = all.shift(); run; run = all.shift()) {
      const lock = await tryLock(run);
      if (lock === null) continue;
      const id = run;
      const leaks = [...(await removeRun(docker, id, { deadlineMs: removalMs })), ...(await removeWitnesses(docker, id))];
      await lock.release();
      if (leaks.length === 0) end.reaped.push(id);
      else end.stuck.push(...leaks.map((leak) => `${id}: ${leak}`));
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  return end;
}

/** Every run of which anything is there. */
async function runsIn(docker: Docker): Promise<RunId[]> {
  const { api } = docker;
  const filters = { label: ['coldpass.run'] };
  const [services, containers, networks, secrets, configs, { Volumes }] = await docker.ask('list all runs', (abortSignal) =>
    Promise.all([
      api.listServices({ filters, abortSignal }),
      api.listContainers({ all: true, filters, abortSignal }),
      api.listNetworks({ filters, abortSignal }),
      api.listSecrets({ filters, abortSignal }),
      api.listConfigs({ filters, abortSignal }),
      api.listVolumes({ filters, abortSignal }),
    ]),
  );
  const specs = [...services, ...secrets, ...configs] as { Spec?: { Labels?: Record<string, string> } }[];
  const plain = [...containers, ...networks, ...(Volumes ?? [])] as { Labels?: Record<string, string> | null }[];
  const labels = [...specs.map(({ Spec }) => Spec?.Labels), ...plain.map(({ Labels }) => Labels)];
  const named = [...labels.flatMap((each) => each?.['coldpass.run'] ?? []), ...(await runsWithWitnesses(docker))];
  return [...new Set(named)].flatMap((name) => RunId.safeParse(name).data ?? []);
}
