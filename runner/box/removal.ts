// Removes a folder that boxed code wrote, after its last process is gone. Uses the program `rm`, not node's function:
// `rm` walks on descriptors, so a path beyond the system's length limit does not stop it, and it follows no link.

import { lstatSync } from 'node:fs';
import { execa } from 'execa';

/** Resolves with null once nothing is left at `path`, else with the reason. Never rejects; may be called twice. */
export async function removeFolder(path: string, deadlineMs: number): Promise<string | null> {
  const until = Date.now() + deadlineMs;
  if (isGone(path)) return null;
  let failure = await run('rm', ['-rf', '--one-file-system', '--', path], until);
  if (isGone(path)) return null;
  // Unless we are root, `rm` cannot enter folders without search permission.
  await run('chmod', ['-R', 'u+rwX', '--', path], until);
  failure = await run('rm', ['-rf', '--one-file-system', '--', path], until);
  return isGone(path) ? null : failure || 'it took too long';
}

function isGone(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** Runs a program; returns the first line of its standard error. */
async function run(program: string, args: string[], untilMs: number): Promise<string> {
  const timeout = Math.max(1, untilMs - Date.now());
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const { stderr } = await execa(program, args, {
    timeout,
    killSignal: 'SIGKILL',
    reject: false,
    cwd: '/',
    env,
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
  });
  return stderr.split('\n', 1)[0] ?? '';
}
