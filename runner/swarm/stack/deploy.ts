// One deployment: images looked for, then network, configs and secrets made through the API, then the stack. Each thing is
// noted before it is made and carries the run's labels. What Swarm refuses for the app's sake is a line, not an error.

import { RunnerError } from '../../box/errors.ts';
import type { AdmittedApp } from '../app/app.ts';
import { statusOf } from '../engine/docker.ts';
import { imagesMissing } from '../engine/images.ts';
import { type Place, runLabel } from '../engine/place.ts';
import { deployStack } from './cli.ts';

/** Null once Swarm has taken it all. May be called again with another version of the same app. */
export async function deployApp(
  place: Place,
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

async function makeNetwork({ docker, names, labels, network: name, intend }: Place): Promise<void> {
  const there = await docker.listNetworks({ filters: { label: [`${runLabel}=${names.run}`] } });
  if (there.some((network) => network.Name === name)) return;
  await intend(`network ${name}`);
  const shape = { Name: name, Driver: 'overlay', Attachable: true, CheckDuplicate: true, Labels: { ...labels } };
  // 409: another stack of the run was quicker.
  await docker.createNetwork(shape).catch(unless(409));
}

type Config = AdmittedApp['configs'][number];

async function makeConfig({ docker, labels, intend }: Place, { name, bytes, template }: Config) {
  const data = bytes.toString('base64');
  const templating = template ? { Templating: { Name: 'golang' } } : {};
  await intend(`config ${name}`);
  const spec = { Name: name, Labels: { ...labels }, Data: data, ...templating };
  const outcome = await made(() => docker.createConfig(spec));
  if (outcome === 'made') return null;
  if (outcome !== 'there') return `config ${name} is not taken: ${outcome}`;
  const { Spec } = await docker.getConfig(name).inspect();
  if (Spec?.Labels?.[runLabel] !== labels[runLabel]) return `config ${name} is somebody else's`;
  if (Spec.Data === data) return null;
  return `config ${name} has other content than the one deployed under that name; raise its version in abra.sh, since Swarm cannot change a config`;
}

type Secret = AdmittedApp['secrets'][number];

async function makeSecret({ docker, labels, intend }: Place, { key, name }: Secret, value: string | undefined) {
  if (value === undefined) throw new RunnerError('bad-request', `the secret ${key} has no value`);
  await intend(`secret ${name}`);
  const data = Buffer.from(value).toString('base64');
  const outcome = await made(() => docker.createSecret({ Name: name, Labels: { ...labels }, Data: data }));
  if (outcome === 'made') return null;
  if (outcome !== 'there') return `secret ${name} is not taken: ${outcome}`;
  const { Spec } = await docker.getSecret(name).inspect();
  return Spec?.Labels?.[runLabel] === labels[runLabel] ? null : `secret ${name} is somebody else's`;
}

/** 400 is what Swarm thinks of a name or a size: the app's fault, in Swarm's words. */
async function made(make: () => Promise<unknown>): Promise<string> {
  try {
    await make();
    return 'made';
  } catch (error) {
    if (statusOf(error) === 409) return 'there';
    if (statusOf(error) === 400) return (error as Error).message.replace(/^Docker: \S+ \S+: /, '');
    throw error;
  }
}

function unless(status: number): (error: unknown) => void {
  return (error) => {
    if (statusOf(error) !== status) throw error;
  };
}
