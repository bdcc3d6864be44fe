// Removes a folder that boxed code wrote, after its last process is gone. `rm` and not node's own: it walks on descriptors,
// so a path deeper than the system's limit does not stop it, and it follows no link.

import { lstatSync } from 'node:fs';
import { execa } from 'execa';

/** Null once nothing lies at `path`, else why not. Rejects never; may be called twice. */
export async function removeFolder(path: string, deadlineMs: number): Promise<string | null> {
  const until = Date.now() + deadlineMs;
  if (isGone(path)) return null;
  let said = await run('rm', ['-rf', '--one-file-system', '--', path], until);
  if (isGone(path)) return null;
  // Folders without the right to search them, where we are not root.
  await run('chmod', ['-R', 'u+rwX', '--', path], until);
  said = await run('rm', ['-rf', '--one-file-system', '--', path], until);
  return isGone(path) ? null : said || 'it took too long';
}

function isGone(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** The first line that it said on standard error. */
async function run(program: string, args: string[], untilMs: number): Promise<string> {
  const timeout = Math.max(1, untilMs - Date.now());
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const { stderr } = await execa(program, args, {
    ...{ timeout, killSignal: 'SIGKILL', reject: false, cwd: '/' },
    ...{ env, extendEnv: false, stdin: 'ignore', stdout: 'ignore' },
  });
  return stderr.split('\n', 1)[0] ?? '';
}
