// G: an attack fills the disk so that the FAIL of a claim cannot be written. Nothing may be accepted in part: what was
// refused is not on the trail, the phase is as it was, and it goes on once there is space. The attack runs in a box
// whose folder is a small file system of its own, so that no disk of the machine fills up and nothing is left behind.

import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Told } from '../arena/fullHub.ts';
import { shared } from '../arena/shared.ts';
import type { Attack, Outcome, Twin } from '../case.ts';

const diskBytes = 24 * 1024 * 1024;
const seconds = 60;

export const fullDiskAttacks: Attack[] = [
  {
    rows: 'starved: disk',
    title: 'fills the hub’s disk to suppress the FAIL',
    refusedBy: 'funnel',
    because: /^Nothing was appended to the trail: the disk is full/,
    play: (dir) => outcomeOf(dir, 'full'),
  },
  {
    rows: 'starved: disk',
    title: 'publishes onto a full disk',
    refusedBy: 'tool: publish',
    because: /No space left|disk is full|ENOSPC/i,
    play: (dir) => outcomeOf(dir, 'full'),
  },
];

export const fullDiskTwins: Twin[] = [
  { title: 'the same FAIL and the same work, once there is space', play: (dir) => outcomeOf(dir, 'after') },
];

async function outcomeOf(dir: string, when: 'full' | 'after'): Promise<Outcome> {
  const { audit, ...told } = await shared(dir, 'full', () => play(dir));
  return { ...told[when], audit: audit as Outcome['audit'] };
}

async function play(dir: string): Promise<Told> {
  const place = mkdtempSync(join(dir, 'full-'));
  const small = ['--dev-bind', '/', '/', '--size', `${diskBytes}`, '--tmpfs', place, '--die-with-parent'];
  const program = [process.execPath, join(import.meta.dirname, '..', 'arena', 'fullHub.ts'), place];
  const { stdout } = await promisify(execFile)('bwrap', [...small, ...program], { timeout: seconds * 1000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Told;
}
