// Makes an ordinary repository, as its owner would: the demo works on it. (The hub, clones and anything that strangers
// may have written go through `process.ts`, which trusts nothing.)

import { simpleGit } from 'simple-git';

const author = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.org'];

/** Makes `dir` a repository with branch `main` and commits everything in it. Rejects if git fails. */
export async function makeRepository(dir: string, message: string): Promise<void> {
  const git = simpleGit({ baseDir: dir });
  await git.init(['--quiet', '--initial-branch=main']);
  await git.add('.');
  await git.raw([...author, 'commit', '--quiet', '-m', message]);
}
