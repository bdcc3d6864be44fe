// The vault on a real engine: data survives a backup, a wipe and a restore unchanged, forbidden operations are refused,
// and nothing is left behind.

import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openVault } from '../../runner/swarm/engine/vault.ts';
import { describeSwarm } from '../support/app/engine.ts';
import { docker, ofRun, yard } from '../support/app/vault.ts';

/** Allows for a machine that many share; on an idle one, a test takes a few seconds. */
const timeout = 300_000;

const fill = `cd /v; chown 1001:1002 .; chmod 2751 .
mkdir -p a/b .hidden "od
d"; echo text > a/b/f; chown 5:6 a/b/f; chmod 4640 a/b/f; echo dot > .hidden/.f; echo odd > "od
d/$(printf '\\377 *\\t')"
ln -s /etc/passwd abs; ln -s a/b/f rel; chown -h 7:8 rel; mkfifo pipe; ln a/b/f a/hard; mknod null c 1 3
dd if=/dev/urandom of=big bs=1M count=50 2>/dev/null; truncate -s 64M sparse; mkdir -m 000 shut; mkdir -m 1777 sticky; : > a/empty`;

/** Creates 42 entries: folders deeper than the longest path that the system accepts, and other awkward leftovers. */
const hostile = `deep() { cd /v; mkdir $1; cd $1; i=0; while [ $i -lt 15 ]; do mkdir $2; cd $2; i=$((i+1)); done; }
name=$(printf '%0200d' 0); deep one $name; path=$PWD; deep two $name; echo deep > bottom; mv /v/two $path
cd /v; mkdir -p -m 000 shut/er; : > shut/f; : > "-delete"; : > '$(touch x)'; : > "$(printf 'a\\nb\\033\\377')"; mkdir -m 1777 t; : > t/f; chown 5 t/f
ln -s /v/socket /dev/log; syslogd -n & until [ -S socket ]; do :; done; kill $!`;

describeSwarm('the vault', { timeout }, () => {
  it('restores owners, modes, times, links, pipes and bytes exactly, after a wipe that counts entries', async () => {
    const { volume, inside, listing, leave, open } = await yard();
    await Promise.all([volume('data'), volume('empty')]);
    const [vault] = await Promise.all([open(), inside('data', fill), inside('empty', 'chown 3:4 /v; chmod 700 /v')]);
    const before = { data: await listing('data'), empty: await listing('empty') };
    expect(before.data).toMatch(/^drwxr-s--x 1001\/1002/m);
    await leave();

    const [snapshot, empty] = await Promise.all([vault.back('data', null), vault.back('empty', null)]);
    const wiped = await Promise.all([vault.wipe('data'), vault.wipe('empty')]);
    expect(wiped).toEqual([
      { before: 17, after: 0 },
      { before: 0, after: 0 },
    ]);
    expect((await inside('data', 'ls -A /v; stat -c %u:%g:%a /v')).stdout).toBe('1001:1002:2751\n');
    await inside('empty', 'chown 9:9 /v; chmod 777 /v');
    await Promise.all([vault.restore('data', snapshot), vault.restore('empty', empty)]);
    expect(await listing('data')).toBe(before.data);
    expect(await listing('empty')).toBe(before.empty);
  });

  it('backs up only the named paths and their parents', async () => {
    const { volume, inside, listing, leave, open } = await yard();
    await volume('data');
    const script =
      'cd /v; chmod 750 .; chown 8:9 .; mkdir -p -m 711 in/side out; echo in > in/side/f; echo out > out/f; ln -s in link';
    const [vault] = await Promise.all([open(), inside('data', script)]);
    const before = await listing('data');
    await leave();
    const snapshot = await vault.back('data', ['in/./side/', 'in/side/f']);
    for (const path of ['nowhere', 'link', 'link/side', '../data', '/in'])
      await expect(vault.back('data', [path]), path).rejects.toMatchObject({ code: 'volume' });
    await vault.wipe('data');
    await vault.restore('data', snapshot);
    const kept = before.split('\n').filter((line) => !/out|link/.test(line));
    expect((await listing('data')).split('\n')).toEqual(kept);
  });

  it('empties a volume even if paths are too long, but not one that is in use or belongs to another run', async () => {
    const { names, labels, image, volume, inside, leave, open } = await yard();
    await volume('data');
    const [vault] = await Promise.all([open(), inside('data', hostile)]);
    await expect(vault.wipe('data')).rejects.toThrow(`cp${names.run.slice(2)}_data is in use by`);
    await leave();
    await expect(vault.back('data', null)).rejects.toMatchObject({ code: 'volume' });
    expect(await vault.wipe('data')).toEqual({ before: 42, after: 0 });
    expect(await vault.wipe('data')).toEqual({ before: 0, after: 0 });
    await expect(vault.wipe('nowhere')).rejects.toMatchObject({ code: 'engine' });
    await expect(vault.restore('data', 'latest')).rejects.toMatchObject({ code: 'bad-request' });
    const stranger = await yard();
    await stranger.volume('data');
    const other = { ...names, stack: stranger.names.stack };
    const thief = await openVault({ docker, names: other, labels, image, signal: new AbortController().signal });
    onTestFinished(() => thief.close());
    await expect(thief.wipe('data')).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('dumps every snapshot, labels everything it creates, and leaves nothing', async () => {
    const { names, labels, volume, inside, leave, open } = await yard();
    await Promise.all([volume('a'), volume('b')]);
    const words = {
      a: randomBytes(20).toString('hex'),
      b: randomBytes(20).toString('hex'),
      name: randomBytes(9).toString('hex'),
    };
    await Promise.all([inside('a', `echo ${words.a} > /v/${words.name}`), inside('b', `echo ${words.b} > /v/f`)]);
    await leave();
    const vault = await open();
    expect(await buffer(vault.dump())).toHaveLength(0);
    await Promise.all([vault.back('a', null), vault.back('b', null)]);
    await inside('a', 'rm /v/*');
    await vault.back('a', null);
    const dumped = (await buffer(vault.dump())).toString('latin1');
    for (const word of Object.values(words)) expect(dumped).toContain(word);
    await leave();

    const ours = await docker.listContainers({ all: true, filters: { label: [`coldpass.run=${names.run}`] } });
    expect(ours.length).toBeGreaterThan(0);
    for (const { Labels } of ours) expect(Labels).toMatchObject(labels);
    expect((await docker.getVolume(`${names.stack}-vault`).inspect()).Labels).toEqual(labels);
    await vault.close();
    await vault.close();
    expect(await ofRun(names.run)).toEqual([`${names.stack}_a`, `${names.stack}_b`]);
    await expect(vault.back('a', null)).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('stops on an abort with the given reason, and can then be closed', async () => {
    const { names, volume, inside, leave, open } = await yard();
    await volume('data');
    await inside('data', 'truncate -s 200G /v/huge');
    await leave();
    const stop = new AbortController();
    const vault = await open(stop.signal);
    const backing = vault.back('data', null);
    const isRun = async (program: string) => {
      const ours = await docker.listContainers({ filters: { volume: [`${names.stack}_data`] } });
      const tops = await Promise.all(ours.map(({ Id }) => docker.getContainer(Id).top({ ps_args: '-eo pid,args' })));
      return tops.some(({ Processes }) => JSON.stringify(Processes).includes(program));
    };
    // If the backup ends before the program is seen, the backup's error says why.
    await Promise.race([vi.waitUntil(() => isRun('backup --json'), { timeout, interval: 50 }), backing]);
    stop.abort(new Error('enough'));
    await expect(backing).rejects.toThrow('enough');
    await expect(vault.wipe('data')).rejects.toThrow('enough');
    await vault.close();
    expect(await ofRun(names.run)).toEqual([`${names.stack}_data`]);
  });
});
