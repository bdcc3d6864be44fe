import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const postbox = fileURLToPath(new URL('../bin/postbox.js', import.meta.url));

function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [postbox, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('the command line makes, adds, lists and shows', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'postbox-'));
  t.after(() => rmSync(dir, { recursive: true }));
  assert.equal(run(dir, 'make', 'alice').status, 0);
  assert.equal(run(dir, 'add', 'alice', 'See you.', '--from', 'bob@example.org', '--subject', 'Hello').stdout, 'message 1\n');
  assert.equal(run(dir, 'list', 'alice').stdout, '   1  bob@example.org  Hello\n');
  assert.equal(run(dir, 'show', '1').stdout, 'From: bob@example.org\nSubject: Hello\n\nSee you.\n');
});

test('a command that is not understood says how to type it', () => {
  const { status, stderr } = run('somewhere', 'fly');
  assert.equal(status, 2);
  assert.match(stderr, /^usage: postbox DIR/);
});
