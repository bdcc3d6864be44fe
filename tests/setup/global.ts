// Before the first test: the programs that tests use, and the ground they stand on. After the last: the ground goes, whatever
// is on it (`figures.ts` has told of it by then).

import { rmSync } from 'node:fs';
import { ground, layGround } from './ground.ts';
import { installPackages } from './packages.ts';

export function setup(): void {
  installPackages({ isCi: process.env.CI === 'true', say: (line) => console.log(line) });
  layGround();
}

export function teardown(): void {
  try {
    rmSync(ground, { recursive: true, force: true });
  } catch (error) {
    // A mount that was left behind: told of already, and the run has failed by it.
    console.log(`${ground} cannot be removed (${(error as Error).message.trim()}); unmount what is in it`);
  }
}
