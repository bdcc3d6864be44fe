// `docker stack deploy`: a notion of the command line, so the command is used for it. It gets the document on its standard
// input and an environment of DOCKER_HOST and PATH alone, no configuration of anyone's, and dies with this process.

import { execa } from 'execa';
import { plainText } from '../../box/collect.ts';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, socketOf } from '../engine/docker.ts';
import { findProgram, programFolders } from '../engine/report.ts';

const deploySeconds = 300;
const outputBytesMax = 256 * 1024;
const saidMax = 400;
const attemptsMax = 4;
/** No such folder: the command line then has no configuration, no credentials and no plug-ins. */
const configDir = '/nonexistent/coldpass';

/** Null once Swarm has taken it; else the first thing that it said against it, in one line. */
export async function deployStack(
  docker: Docker,
  stack: string,
  document: string,
  signal: AbortSignal,
): Promise<string | null> {
  const cli = findProgram('docker');
  if (cli === null) throw new RunnerError('engine', 'there is no docker command on this machine');
  const detach = (await hasDetach(cli, docker)) ? ['--detach=true'] : [];
  const args = ['stack', 'deploy', '--compose-file', '-', '--resolve-image', 'never', '--prune', ...detach, stack];
  for (let attempt = 1; ; attempt += 1) {
    const { failed, stderr } = await run(cli, docker, args, document, signal);
    if (!failed) return null;
    await docker.ping(); // Rejects where it is not the document's fault.
    // The service moved between the command line's look and its word; nothing but the text tells.
    if (attempt < attemptsMax && stderr.includes('update out of sequence')) continue;
    return lineIn(stderr);
  }
}

async function run(cli: string, docker: Docker, args: string[], input: string, signal: AbortSignal) {
  const env = { DOCKER_HOST: `unix://${socketOf(docker)}`, PATH: programFolders.join(':') };
  const setpriv = findProgram('setpriv');
  const words = [cli, '--config', configDir, ...args];
  const [program = '', ...rest] = setpriv === null ? words : [setpriv, '--pdeathsig', 'KILL', ...words];
  const ended = await execa(program, rest, {
    ...{ env, extendEnv: false, cwd: '/', input, reject: false, killSignal: 'SIGKILL' },
    ...{ timeout: deploySeconds * 1000, cancelSignal: signal, maxBuffer: outputBytesMax },
  });
  signal.throwIfAborted();
  if (ended.timedOut) throw new RunnerError('engine', `docker stack deploy did not end within ${deploySeconds} s`);
  if (ended.exitCode === undefined)
    throw new RunnerError('engine', 'docker stack deploy cannot be run', { cause: ended });
  return { failed: ended.failed, stdout: ended.stdout, stderr: ended.stderr };
}

/** Command lines of 26 and later know it; those of 29 would wait without. */
async function hasDetach(cli: string, docker: Docker): Promise<boolean> {
  const { stdout } = await run(
    cli,
    docker,
    ['stack', 'deploy', '--help'],
    '',
    AbortSignal.timeout(deploySeconds * 1000),
  );
  return stdout.includes('--detach');
}

function lineIn(stderr: string): string {
  const lines = plainText(Buffer.from(stderr))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(since --detach|level=)/i.test(line));
  const said = lines.at(-1) ?? 'docker stack deploy failed and said nothing';
  return said.replace(/Error response from daemon: |rpc error: code = \w+ desc = /g, '').slice(0, saidMax);
}
