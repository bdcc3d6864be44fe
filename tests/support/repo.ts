// Makes small real repositories quickly, with one `git fast-import` for all commits. Also runs git as a person or an
// agent would: the repository's own configuration applies, although state/git/process.ts would switch it off.

import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha } from '../../state/entry/ids.ts';
import { generateKey } from '../../state/keys/keys.ts';
import { createHub, type Hub } from '../../state/trail/hub.ts';
import { tempDir } from './temp.ts';

/** Files of one commit: text, bytes, `{ link }` for a symbolic link, `{ commit }` for a submodule, null to remove. */
export type Files = Record<string, string | Buffer | { link: string } | { commit: string } | null>;

/**
 * Runs git in `dir` as the owner would: the repository's hooks, filters and configuration apply. Throws if git fails.
 */
export function git(dir: string, args: string[], input?: string | Buffer): string {
  return gitBytes(dir, args, input).toString().trimEnd();
}

export function gitBytes(dir: string, args: string[], input: string | Buffer = ''): Buffer {
  return execFileSync('git', args, { cwd: dir, input, stdio: 'pipe', env: personEnv, maxBuffer: 256 * 1024 * 1024 });
}

const personEnv = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
};

/** Makes a repository with one commit for each of `commits`, on `main`, with the last one checked out. */
export function makeRepo(commits: Files[], dir = join(tempDir(), 'repo')): { dir: string; shas: Sha[] } {
  mkdirSync(dir, { recursive: true });
  git(dir, ['init', '--quiet', '--initial-branch=main']);
  const shas = addCommits(dir, 'refs/heads/main', commits);
  git(dir, ['reset', '--quiet', '--hard', 'main']);
  return { dir: realpathSync(dir), shas };
}

/**
 * Adds commits on a branch without touching any checkout; returns their ids. Moves the branch to `from` first, if
 * given.
 */
export function addCommits(dir: string, ref: string, commits: Files[], from?: string): Sha[] {
  const start = from ?? tryGit(dir, ['rev-parse', '--verify', '--quiet', ref]);
  const chunks: (string | Buffer)[] = [];
  commits.forEach((files, index) => {
    const message = `commit ${index + 1}`;
    chunks.push(`commit ${ref}\ncommitter Ann <ann@example.org> ${1_760_000_000 + index} +0000\n`);
    chunks.push(`data ${message.length}\n${message}\n`);
    if (index === 0 && start) chunks.push(`from ${start}\n`);
    for (const [path, content] of Object.entries(files)) chunks.push(...fileCommand(path, content));
  });
  git(dir, ['fast-import', '--quiet', '--force'], Buffer.concat(chunks.map((one) => Buffer.from(one as Buffer))));
  return git(dir, ['log', '--reverse', `--max-count=${commits.length}`, '--format=%H', ref]).split('\n') as Sha[];
}

/** Makes a hub from a new repository of these commits, with keys for every role in `<stateDir>/keys`. */
export async function makeHub(commits: Files[] = [{ 'a.txt': 'one\n' }], dir = tempDir()) {
  const repo = makeRepo(commits, join(dir, 'repo'));
  const stateDir = join(dir, 'state');
  mkdirSync(join(stateDir, 'keys'), { recursive: true });
  const key = (role: string) => generateKey(join(stateDir, 'keys', role), `${role}@coldpass`);
  const signers = {
    operator: key('operator'),
    supervisor: key('supervisor'),
    runner: key('runner'),
    builder: key('builder'),
    adversary: key('adversary'),
  };
  const { operator, ...roles } = signers;
  const hub: Hub = await createHub({
    stateDir,
    workspaceName: 'sample',
    operatorSigner: operator,
    roleSigners: {
      supervisor: roles.supervisor.publicKey,
      runner: roles.runner.publicKey,
      builder: roles.builder.publicKey,
      adversary: roles.adversary.publicKey,
    },
    repo: repo.dir,
    baseRef: 'main',
    now: new Date('2026-06-11T20:58:03Z'),
  });
  return { hub, repo, stateDir, signers, base: repo.shas.at(-1) as Sha };
}

function fileCommand(path: string, content: Files[string]): (string | Buffer)[] {
  const name = JSON.stringify(path);
  if (content === null) return [`D ${name}\n`];
  if (typeof content === 'object' && 'commit' in content) return [`M 160000 ${content.commit} ${name}\n`];
  const link = typeof content === 'object' && 'link' in content;
  const bytes = link ? Buffer.from(content.link) : Buffer.from(content as string);
  return [`M ${link ? '120000' : '100644'} inline ${name}\ndata ${bytes.length}\n`, bytes, '\n'];
}

function tryGit(dir: string, args: string[]): string | null {
  try {
    return git(dir, args);
  } catch {
    return null;
  }
}
