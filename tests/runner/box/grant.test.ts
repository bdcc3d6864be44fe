import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkGrant } from '../../../runner/box/grant.ts';
import { tempDir } from '../../support/temp.ts';

/** Creates a home folder with tools and keys. Below it lies a state folder, in the place that XDG gives. */
function person() {
  const top = realpathSync(tempDir());
  const home = join(top, 'home');
  const stateDir = join(home, '.local/state/coldpass/shop');
  const keyDirs = [join(home, 'keys')];
  const folders = ['.nvm/versions/node/v24/bin', '.ssh', 'keys', '.local/bin', '.config/coldpass', '.cargo'];
  for (const dir of [...folders.map((each) => join(home, each)), stateDir, join(top, 'opt/tool')])
    mkdirSync(dir, { recursive: true });
  return { top, home, places: { home, stateDir, keyDirs } };
}

test.each([['.nvm/versions/node/v24'], ['.local/bin'], ['.cargo'], ['../opt/tool']])('%s may be granted', (path) => {
  const { home, places } = person();
  expect(checkGrant(join(home, path), places)).toBeNull();
});

test.each([
  ['home itself', '.', /home folder/],
  ['a parent of home', '..', /home folder/],
  ['the state', '.local/state/coldpass/shop', /no box may see/],
  ['a parent of the state', '.local/state', /no box may see/],
  ['a folder in the state', '.local/state/coldpass/shop/clones', /no such folder|no box may see/],
  ['the folder of ssh keys', '.ssh', /no box may see/],
  ["the operator's key folder", 'keys', /no box may see/],
  ['a parent of a key folder', '.config', /no box may see/],
  ['a missing folder', 'gone', /no such folder/],
])('%s may not be granted', (_name, path, reason) => {
  const { home, places } = person();
  mkdirSync(join(places.stateDir, 'clones'));
  expect(checkGrant(join(home, path), places)).toMatch(reason);
});

test.each([['/'], ['/etc'], ['/run'], ['/dev/shm'], ['/proc/self'], ['relative/path'], ['/usr/'], ['/usr/../etc']])(
  'the path %s may not be granted',
  (path) => {
    expect(checkGrant(path, person().places)).not.toBeNull();
  },
);

test('a link is not granted, but its target may be', () => {
  const { home, places } = person();
  symlinkSync(join(home, '.ssh'), join(home, 'innocent'));
  expect(checkGrant(join(home, 'innocent'), places)).toContain(`grant ${join(home, '.ssh')} itself`);
});

test('a folder with a socket in it may not be granted', async () => {
  const { home, places } = person();
  const server = net.createServer();
  await new Promise<void>((ready) => server.listen(join(home, '.cargo', 'agent.sock'), ready));
  onTestFinished(() => void server.close());
  expect(checkGrant(join(home, '.cargo'), places)).toContain('agent.sock');
});
