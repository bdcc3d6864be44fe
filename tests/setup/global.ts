// Before the first test: the programs that tests use, the ground they stand on, and a Docker engine. After the last: the engine
// stops if it was started here, and the ground goes, whatever is on it (`figures.ts` has told of it by then).

import type { TestProject } from 'vitest/node';
import { findEngine } from './dockerEngine.ts';
import { ground, layGround, removeGround } from './ground.ts';
import { installPackages } from './packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the tests' Docker engine listens; null where they have none. */
    dockerSocket: string | null;
  }
}

const say = (line: string): void => console.log(line);

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  installPackages({ isCi: process.env.CI === 'true', say });
  layGround();
  const engine = await findEngine(say);
  provide('dockerSocket', engine.socket);
  return async () => {
    await engine.stop();
    try {
      removeGround();
    } catch (error) {
      // A mount that was left behind: told of already, and the run has failed by it.
      say(`${ground} cannot be removed (${(error as Error).message.trim()}); unmount what is in it`);
    }
  };
}
