// `docker stack deploy` exists only in docker's command line, so this file runs that program. It gets the document on
// standard input, an environment of only DOCKER_HOST and PATH, and no user configuration; it dies with this process.

import { execa } from 'execa';
import { plainText } from '../../box/collect.ts';
import { RunnerError } from '../../box/errors.ts';
import { type Docker, socketOf } from '../engine/docker.ts';
import { programFolders, systemProgram } from '../engine/report.ts';

const deploySeconds = 300;
const outputBytesMax = 256 * 1024;
const lineCharsMax = 400;
const attemptsMax = 4;
/** A folder that does not exist, so that the command line has no configuration, credentials or plug-ins. */
const configDir = '/nonexistent/coldpass';

/** Null once Swarm has accepted the stack; else its error, in one line. */
export async function deployStack(
  docker: Docker,
  stack: string,
  document: string,
  signal: AbortSignal,
): Promise<string | null> {
  const cli = systemProgram('docker');
  if (cli === null) throw new RunnerError('engine', 'there is no docker command on this machine');
  const detach = (await hasDetach(cli, docker)) ? ['--detach=true'] : [];
  const args = ['stack', 'deploy', '--compose-file', '-', '--resolve-image', 'never', '--prune', ...detach, stack];
  for (let attempt = 1; ; attempt += 1) {
    const { failed, stderr } = await run(cli, docker, args, document, signal);
    if (!failed) return null;
    await docker.ping(); // Rejects if the engine is down; otherwise the document is at fault.
    // The service changed between the command's read and its update; only the message reveals this.
    if (attempt < attemptsMax && stderr.includes('update out of sequence')) continue;
    return lineIn(stderr);
  }
}

async function run(cli: string, docker: Docker, args: string[], input: string, signal: AbortSignal) {
  const env = { DOCKER_HOST: `unix://${socketOf(docker)}`, PATH: programFolders.join(':') };
  const setpriv = systemProgram('setpriv');
  const words = [cli, '--config', configDir, ...args];
  const [program = '', ...rest] = setpriv === null ? words : [setpriv, '--pdeathsig', 'KILL', ...words];
  const result = await execa(program, rest, {
    env,
    extendEnv: false,
    cwd: '/',
    input,
    reject: false,
    killSignal: 'SIGKILL',
    timeout: deploySeconds * 1000,
    cancelSignal: signal,
    maxBuffer: outputBytesMax,
  });
  signal.throwIfAborted();
  if (result.timedOut) throw new RunnerError('engine', `docker stack deploy did not end within ${deploySeconds} s`);
  if (result.exitCode === undefined)
    throw new RunnerError('engine', 'docker stack deploy cannot be run', { cause: result });
  return { failed: result.failed, stdout: result.stdout, stderr: result.stderr };
}

/** Docker 26 and later have `--detach`; docker 29 would wait without it. */
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
  const line = lines.at(-1) ?? 'docker stack deploy failed without a message';
  return line.replace(/Error response from daemon: |rpc error: code = \w+ desc = /g, '').slice(0, lineCharsMax);
}
