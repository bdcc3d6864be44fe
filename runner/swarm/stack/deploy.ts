// One deployment: checks the images, creates network, configs and secrets through the API, then deploys the stack. Each
// object is recorded before it is created and has the run's labels. A refusal that is the app's fault is returned as a
// line, not thrown.

import { RunnerError } from '../../box/errors.ts';
import type { AdmittedApp } from '../app/app.ts';
import { httpStatusOf } from '../engine/docker.ts';
import { imagesMissing } from '../engine/images.ts';
import { type EngineRun, runLabel } from '../engine/place.ts';
import { deployStack } from './cli.ts';

/** Null once Swarm has accepted everything, else a line. May be called again with another version of the same app. */
export async function deployApp(
  place: EngineRun,
  app: AdmittedApp,
  secrets: ReadonlyMap<string, string>,
): Promise<string | null> {
  const images = Object.values(app.services).map((service) => service.image);
  const missing = await imagesMissing(place.docker, images, place.signal);
  if (missing !== null) return missing;
  await makeNetwork(place);
  for (const config of app.configs) {
    const refused = await makeConfig(place, config);
    if (refused !== null) return refused;
  }
  for (const secret of app.secrets) {
    const refused = await makeSecret(place, secret, secrets.get(secret.key));
    if (refused !== null) return refused;
  }
  await place.intend(`stack ${app.stack}`);
  const refused = await deployStack(place.docker, app.stack, app.document, place.signal);
  return refused === null ? null : `stack ${app.stack} is not deployed: ${refused}`;
}

async function makeNetwork({ docker, names, labels, network: name, intend }: EngineRun): Promise<void> {
  const networks = await docker.listNetworks({ filters: { label: [`${runLabel}=${names.run}`] } });
  if (networks.some((network) => network.Name === name)) return;
  await intend(`network ${name}`);
  const shape = { Name: name, Driver: 'overlay', Attachable: true, CheckDuplicate: true, Labels: { ...labels } };
  // 409: another stack of the run has just created it.
  await docker.createNetwork(shape).catch(unless(409));
}

type Config = AdmittedApp['configs'][number];

async function makeConfig({ docker, labels, intend }: EngineRun, { name, bytes, template }: Config) {
  const data = bytes.toString('base64');
  const templating = template ? { Templating: { Name: 'golang' } } : {};
  await intend(`config ${name}`);
  const spec = { Name: name, Labels: { ...labels }, Data: data, ...templating };
  const outcome = await create(() => docker.createConfig(spec));
  if (outcome === 'created') return null;
  if (outcome !== 'exists') return `config ${name} is refused: ${outcome}`;
  const { Spec } = await docker.getConfig(name).inspect();
  if (Spec?.Labels?.[runLabel] !== labels[runLabel]) return `config ${name} does not belong to this run`;
  if (Spec.Data === data) return null;
  const fix = 'raise its version in abra.sh, because Swarm cannot change a config';
  return `config ${name} differs from the one already deployed under that name; ${fix}`;
}

type Secret = AdmittedApp['secrets'][number];

async function makeSecret({ docker, labels, intend }: EngineRun, { key, name }: Secret, value: string | undefined) {
  if (value === undefined) throw new RunnerError('bad-request', `the secret ${key} has no value`);
  await intend(`secret ${name}`);
  const data = Buffer.from(value).toString('base64');
  const outcome = await create(() => docker.createSecret({ Name: name, Labels: { ...labels }, Data: data }));
  if (outcome === 'created') return null;
  if (outcome !== 'exists') return `secret ${name} is refused: ${outcome}`;
  const { Spec } = await docker.getSecret(name).inspect();
  return Spec?.Labels?.[runLabel] === labels[runLabel] ? null : `secret ${name} does not belong to this run`;
}

/** Returns `created`, `exists`, or Swarm's message for status 400: a bad name or size, which is the app's fault. */
async function create(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return 'created';
  } catch (error) {
    if (httpStatusOf(error) === 409) return 'exists';
    if (httpStatusOf(error) === 400) return (error as Error).message.replace(/^Docker: \S+ \S+: /, '');
    throw error;
  }
}

function unless(status: number): (error: unknown) => void {
  return (error) => {
    if (httpStatusOf(error) !== status) throw error;
  };
}
