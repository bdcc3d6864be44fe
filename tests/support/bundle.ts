// Bundles: honest ones, which git makes in a clone as it does in a box, and crafted ones that git would never make.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha } from '../../state/entry/ids.ts';
import { bundleArgv } from '../../state/git/publish.ts';
import { git, gitBytes } from './repo.ts';
import { tempDir } from './temp.ts';

/**
 * Makes a bundle as the box does at `publish`: by the product's command, in the clone, with whatever is planted there.
 */
export function boxedBundle(clone: string, known: Sha): string {
  return bundleFile(gitBytes(clone, bundleArgv(known).slice(1)));
}

export function bundleFile(bytes: Buffer): string {
  const path = join(tempDir(), 'bundle');
  writeFileSync(path, bytes);
  return path;
}

/** A bundle with any header and exactly the named objects of `dir` in its pack. */
export function craftedBundle(dir: string, ids: string[], refs: string[], prerequisites: string[] = []): string {
  const header = ['# v2 git bundle', ...prerequisites.map((id) => `-${id}`), ...refs].join('\n');
  const pack = gitBytes(dir, ['pack-objects', '-q', '--stdout'], `${ids.join('\n')}\n`);
  return bundleFile(Buffer.concat([Buffer.from(`${header}\n\n`), pack]));
}

/** A commit whose parent is `parent` and whose tree is these raw entries, in whatever order and with whatever names. */
export function rawCommit(dir: string, parent: string, entries: { mode: string; name: string; id: string }[]): Sha {
  const rows = entries.map(({ mode, name, id }) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
  );
  const tree = git(dir, ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], Buffer.concat(rows));
  return git(dir, ['commit-tree', '-p', parent, '-m', 'raw', tree]) as Sha;
}

export function blob(dir: string, content: string): string {
  return git(dir, ['hash-object', '-w', '--stdin'], content);
}
