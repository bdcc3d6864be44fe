// What every test of a trail checks: stock git verifies each commit as signed by its role, and each file keeps its old
// bytes as a prefix.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Sha } from '../../../state/entry/ids.ts';
import { mustRead, objectStore } from '../../../state/git/objects.ts';
import type { Funnel } from '../../../state/trail/funnel.ts';
import { openFunnel } from '../../../state/trail/funnel.ts';
import { tempDir } from '../temp.ts';
import type { Appended, TestTrail } from './trail.ts';
import { git, listing, makeTrail, note } from './trail.ts';

const commitsVerified = 25;

/** Opens a funnel that closes after the test. */
export async function openTestFunnel(trail: TestTrail): Promise<Funnel<Appended>> {
  const funnel = await openFunnel(listing(trail));
  onTestFinished(() => funnel.close());
  return funnel;
}

/** A trail with one note per title, each in its own commit; its funnel is closed. */
export async function trailOf(titles: string[]): Promise<TestTrail> {
  const trail = await makeTrail(tempDir());
  const funnel = await openFunnel(listing(trail));
  for (const title of titles) await funnel.append([note(title)]);
  await funnel.close();
  return trail;
}

/**
 * Uses stock git to check the signatures of the newest commits (10 ms each); also checks that no commit changes old
 * bytes.
 */
export async function expectHonestHistory(trail: TestTrail): Promise<void> {
  const allowed = join(trail.stateDir, 'allowed');
  writeFileSync(allowed, git(trail.hub, ['show', 'trail:machine-docs/allowed_signers']));
  const trusting = ['-c', `gpg.ssh.allowedSignersFile=${allowed}`];
  const rows = git(trail.hub, [...trusting, 'log', `-${commitsVerified}`, '--format=%G? %GS %ae %H', 'trail']).split(
    '\n',
  );
  for (const row of rows) expect(row).toMatch(/^G (\S+) \1 /);
  git(trail.hub, [...trusting, 'verify-commit', ...rows.slice(0, 3).map((row) => row.slice(-40))]);
  await expectPrefixes(trail.hub);
}

async function expectPrefixes(hub: string): Promise<void> {
  const store = objectStore(hub);
  onTestFinished(() => store.close());
  const log = execFileSync('git', [
    '-C',
    hub,
    'log',
    '--raw',
    '-r',
    '--no-abbrev',
    '--no-renames',
    '--format=%H',
    'trail',
  ]);
  for (const row of log
    .toString()
    .split('\n')
    .filter((line) => line.startsWith(':'))) {
    const [, , old, now, status, path] = row.split(/\s/);
    expect(['A', 'M'], path).toContain(status);
    if (status === 'A') continue;
    const [before, after] = await Promise.all([old, now].map((sha) => mustRead(store, sha as Sha, 'blob')));
    expect(after?.subarray(0, before?.length).equals(before as Buffer), path).toBe(true);
  }
}
