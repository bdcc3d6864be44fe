// Uses stock git to check the objects that our own code writes: ids, trees, commits, fsck, and packing during appends.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Sha } from '../../../state/entry/ids.ts';
import { parseCommit, signedCommit, verifyCommit } from '../../../state/git/commits.ts';
import type { ObjectStore } from '../../../state/git/objects.ts';
import { mustReadTree, objectStore } from '../../../state/git/objects.ts';
import { packer } from '../../../state/git/packing.ts';
import type { GitTree } from '../../../state/git/trees.ts';
import { childAt, gitObject, parseTree, treeObject, withFiles } from '../../../state/git/trees.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { formatAllowedSigners } from '../../../state/keys/signers.ts';
import { fc } from '../../support/property.ts';
import { tempDir } from '../../support/temp.ts';
import { git } from '../../support/trail/trail.ts';

const atMs = Date.parse('2026-06-11T20:58:03Z');

describe('the object store', () => {
  test('stock git reads what we write, and we read what stock git writes', async () => {
    const { hub, store } = emptyHub();
    const bytes = Buffer.from('ungefähr\n');
    await store.write([gitObject('blob', bytes)]);
    expect(git(hub, ['cat-file', 'blob', gitObject('blob', bytes).sha])).toBe('ungefähr');
    const theirs = execFileSync('git', ['-C', hub, 'hash-object', '-w', '--stdin'], {
      input: 'theirs',
      encoding: 'utf8',
    }).trim();
    expect(await store.read(theirs as Sha)).toEqual({ type: 'blob', bytes: Buffer.from('theirs') });
  });

  test('a missing object reads as null, and is found once it is written', async () => {
    const { store } = emptyHub();
    const late = gitObject('blob', Buffer.from('late'));
    expect(await store.read(late.sha)).toBeNull();
    await store.write([late]);
    expect((await store.read(late.sha))?.bytes.toString()).toBe('late');
  });

  test('concurrent reads each return their own object', async () => {
    const { store } = emptyHub();
    const objects = Array.from({ length: 40 }, (_, n) => gitObject('blob', Buffer.from('x'.repeat(n * 3001))));
    await store.write(objects);
    const read = await Promise.all(objects.map(({ sha }) => store.read(sha)));
    expect(read.map((one) => one?.bytes.length)).toEqual(objects.map(({ bytes }) => bytes.length));
  });

  test('stock git finds nothing wrong with packs of objects of any size', async () => {
    const { hub, store } = emptyHub();
    const sizes = [0, 1, 15, 16, 17, 2047, 2048, 2049, 262_143, 262_144, 262_145];
    await store.write([...sizes, 16].map((size) => gitObject('blob', randomBytes(size))));
    await store.write([]);
    expect(packsIn(hub)).toHaveLength(1);
    const index = join(hub, 'objects', 'pack', (packsIn(hub)[0] as string).replace('.pack', '.idx'));
    const listed = git(hub, ['verify-pack', '-v', index])
      .split('\n')
      .filter((row) => / blob /.test(row));
    const blobSizes = listed.map((row) => Number(row.split(/\s+/)[2])).sort((a, b) => a - b);
    expect(blobSizes).toEqual([...sizes, 16].sort((a, b) => a - b));
    expect(git(hub, ['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  test('objects that exist already, or come twice in a batch, do no harm', async () => {
    const { hub, store } = emptyHub();
    const object = gitObject('blob', Buffer.from('again'));
    await store.write([object, object]);
    await store.write([object]);
    expect((await store.read(object.sha))?.bytes.toString()).toBe('again');
    expect(git(hub, ['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  test('a failed write throws and leaves no temporary file', async () => {
    const { hub, store } = emptyHub();
    const object = gitObject('blob', Buffer.from('nowhere to go'));
    await store.write([object]);
    const [pack = ''] = packsIn(hub);
    const index = join(hub, 'objects', 'pack', pack.replace('.pack', '.idx'));
    rmSync(index);
    mkdirSync(join(index, 'in the way'), { recursive: true });
    await expect(store.write([object])).rejects.toThrow(/EISDIR|ENOTEMPTY|ENOTDIR/);
    expect(readdirSync(join(hub, 'objects', 'pack'))).toEqual([pack.replace('.pack', '.idx'), pack].sort());
  });
});

describe('trees', () => {
  test('a tree that grows file by file is the same as the one that stock git writes', async () => {
    const { hub, store } = emptyHub();
    const blob = gitObject('blob', Buffer.from('x'));
    await store.write([blob]);
    const path = fc.array(fc.constantFrom('a', 'a.b', 'a-', 'a0', 'b', 'ä'), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(path, { minLength: 1, maxLength: 8 }), async (paths) => {
        const files = withoutClashes(paths.map((parts) => parts.join('/')));
        const tree = await grow(store, files, blob.sha);
        expect(tree).toBe(treeByGit(hub, files, blob.sha));
      }),
      { numRuns: 15 },
    );
  });

  test('folders that were never read keep their content', async () => {
    const { hub, store } = emptyHub();
    const blob = gitObject('blob', Buffer.from('x'));
    await store.write([blob]);
    const sha = await grow(store, ['docs/blobs/one', 'docs/file.md', 'other/deep/file'], blob.sha);
    const load = (id: Sha) => mustReadTree(store, id);
    const next = await withFiles(await load(sha), new Map([['docs/blobs/two', blob.sha]]), load);
    await store.write(next.objects);
    const listed = git(hub, ['ls-tree', '-r', '--name-only', next.sha]).split('\n');
    expect(listed).toEqual(['docs/blobs/one', 'docs/blobs/two', 'docs/file.md', 'other/deep/file']);
    expect(next.objects).toHaveLength(3);
    expect((await childAt(next.tree, 'other/deep/file', load))?.sha).toBe(blob.sha);
    expect(await childAt(next.tree, 'docs/file.md/below', load)).toBeNull();
  });

  test('truncated bytes are not a tree', () => {
    const whole = Buffer.from(treeObject(new Map([['a', { mode: '100644', sha: 'a'.repeat(40) as Sha }]])).bytes);
    expect(parseTree(whole).size).toBe(1);
    for (let length = 1; length < whole.length; length++) {
      expect(() => parseTree(whole.subarray(0, length)), `${length} bytes`).toThrow(/cut/);
    }
  });
});

describe('commits', () => {
  test('signed by us are verified by stock git, which names the principal; we verify those it signed', async () => {
    const { hub, store } = emptyHub();
    const signer = generateKey(join(hub, 'key'), 'x');
    const allowed = [{ principal: 'builder@coldpass', namespaces: ['git'], publicKey: signer.publicKey }];
    writeFileSync(join(hub, 'allowed'), formatAllowedSigners(allowed));
    const tree = treeObject(new Map());
    const subject = 'claim(M1): größer\n\nMit Rumpf';
    const ours = signedCommit({ tree: tree.sha, parent: null, role: 'builder', atMs, subject }, signer);
    await store.write([tree, ours]);
    const trusting = ['-c', `gpg.ssh.allowedSignersFile=${join(hub, 'allowed')}`];
    git(hub, [...trusting, 'verify-commit', ours.sha]);
    expect(git(hub, [...trusting, 'log', '-1', '--format=%G? %GS %an %ad', '--date=iso', ours.sha])).toBe(
      'G builder@coldpass Coldpass builder 2026-06-11 20:58:03 +0000',
    );
    const signing = [
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingKey=${join(hub, 'key')}`,
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@y',
    ];
    const theirs = git(hub, [...signing, 'commit-tree', '-S', '-p', ours.sha, '-m', 'theirs', tree.sha]) as Sha;
    expect(verifyCommit((await store.read(theirs))?.bytes as Buffer, allowed)).toBe('builder@coldpass');
    expect(git(hub, ['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  test('a commit with an altered byte, another key, another namespace or a second signature does not verify', () => {
    const dir = tempDir();
    const signer = generateKey(join(dir, 'key'), 'x');
    const other = generateKey(join(dir, 'other'), 'x');
    const allowed = [{ principal: 'builder@coldpass', namespaces: ['git'], publicKey: signer.publicKey }];
    const facts = {
      tree: 'a'.repeat(40) as Sha,
      parent: 'b'.repeat(40) as Sha,
      role: 'builder',
      atMs,
      subject: 'note: x',
    };
    const bytes = Buffer.from(signedCommit(facts, signer).bytes);
    expect(verifyCommit(bytes, allowed)).toBe('builder@coldpass');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(verifyCommit(changed, allowed), `byte ${at}`).toBeNull();
    }
    expect(verifyCommit(Buffer.from(signedCommit(facts, other).bytes), allowed)).toBeNull();
    expect(verifyCommit(bytes, [{ ...(allowed[0] as (typeof allowed)[0]), namespaces: ['coldpass-act'] }])).toBeNull();
    const twice = bytes.toString('latin1').replace('gpgsig ', 'gpgsig none\ngpgsig ');
    expect(parseCommit(Buffer.from(twice, 'latin1'))).toBeNull();
  });
});

describe('packing', () => {
  test('joins the packs of many batches, keeps unreferenced objects, and leaves every object readable', async () => {
    const { hub, store } = emptyHub();
    const objects = Array.from({ length: 30 }, (_, n) => gitObject('blob', Buffer.from(`blob ${n}`)));
    for (const object of objects) await store.write([object]);
    expect(packsIn(hub)).toHaveLength(30);
    await store.read((objects[0] as (typeof objects)[0]).sha);
    const packing = packer(hub, 20);
    await packing.settled();
    await packing.close();
    expect(packsIn(hub)).toHaveLength(1);
    for (const { sha, bytes } of objects) expect((await store.read(sha))?.bytes).toEqual(Buffer.from(bytes));
  });

  test('does nothing if there are few packs', async () => {
    const { hub, store } = emptyHub();
    await store.write([gitObject('blob', Buffer.from('one'))]);
    const packing = packer(hub, 20);
    for (let n = 0; n < 18; n++) packing.wrote();
    packing.rested();
    await packing.settled();
    await packing.close();
    expect(packsIn(hub)).toHaveLength(1);
  });

  test('during writes loses no object, even if it is stopped midway', async () => {
    const { hub, store } = emptyHub();
    const written: Sha[] = [];
    for (let round = 0; round < 4; round++) {
      const packing = packer(hub, 5);
      for (let batch = 0; batch < 15; batch++) {
        const objects = Array.from({ length: 5 }, (_, n) => gitObject('blob', Buffer.from(`${round} ${batch} ${n}`)));
        await store.write(objects);
        packing.wrote();
        packing.rested();
        written.push(...objects.map(({ sha }) => sha));
      }
      // Lets the last round finish, so that packs are joined at least once, however busy the machine is.
      if (round === 3) await packing.settled();
      await packing.close();
    }
    const read = await Promise.all(written.map((sha) => store.read(sha)));
    expect(read.filter((one) => one === null)).toEqual([]);
    expect(packsIn(hub).length).toBeLessThan(60);
    expect(git(hub, ['fsck', '--no-dangling'])).toBe('');
  });
});

function emptyHub(): { hub: string; store: ObjectStore } {
  const hub = tempDir();
  git(hub, ['init', '--quiet', '--bare', hub]);
  const store = objectStore(hub);
  onTestFinished(() => store.close());
  return { hub, store };
}

function packsIn(hub: string): string[] {
  return readdirSync(join(hub, 'objects', 'pack')).filter((name) => name.endsWith('.pack'));
}

async function grow(store: ObjectStore, files: string[], sha: Sha): Promise<Sha> {
  let tree: GitTree = new Map();
  let last = '' as Sha;
  for (const path of files) {
    const next = await withFiles(tree, new Map([[path, sha]]), (id) => mustReadTree(store, id));
    await store.write(next.objects);
    tree = next.tree;
    last = next.sha;
  }
  return last;
}

function treeByGit(hub: string, files: string[], sha: Sha): string {
  const env = { ...process.env, GIT_INDEX_FILE: join(tempDir(), 'index') };
  const input = files.map((path) => `100644 ${sha}\t${path}\n`).join('');
  execFileSync('git', ['-C', hub, 'update-index', '--add', '--index-info'], { input, env });
  return execFileSync('git', ['-C', hub, 'write-tree'], { env, encoding: 'utf8' }).trim();
}

/** Leaves out paths that would turn a file into a folder, or a folder into a file. */
function withoutClashes(paths: string[]): string[] {
  const kept: string[] = [];
  for (const path of paths) {
    const clashes = kept.some(
      (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
    );
    if (!clashes) kept.push(path);
  }
  return kept;
}
