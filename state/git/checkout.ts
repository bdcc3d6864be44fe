// Makes an ordinary repository for the demo to work on, as its owner would. (For the hub, for clones, and for
// anything that strangers may have written, git runs only through `process.ts`, which trusts nothing.)

import { simpleGit } from 'simple-git';

const author = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.org'];

/** Turns `dir` into a repository with branch `main` and commits everything in it. Rejects if git fails. */
export async function makeRepository(dir: string, message: string): Promise<void> {
  const git = simpleGit({ baseDir: dir });
  await git.init(['--quiet', '--initial-branch=main']);
  await git.add('.');
  await git.raw([...author, 'commit', '--quiet', '-m', message]);
}
