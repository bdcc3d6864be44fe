// A new repository of ordinary files, as its owner would make it: what the demo works on. (The hub, clones and anything that
// strangers wrote go through `gitProcess.ts`, which trusts nothing.)

import { simpleGit } from 'simple-git';

const author = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.org'];

/** Makes `dir` a repository with branch `main` and commits all that is in it. Rejects where git does. */
export async function makeRepository(dir: string, message: string): Promise<void> {
  const git = simpleGit({ baseDir: dir });
  await git.init(['--quiet', '--initial-branch=main']);
  await git.add('.');
  await git.raw([...author, 'commit', '--quiet', '-m', message]);
}
