// Before the first test of the tier `swarm`: a Docker engine with an active swarm. It stops after the last if it was started
// here.

import type { TestProject } from 'vitest/node';
import { findEngine } from './dockerEngine.ts';
import { installPackages } from './packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the tests' Docker engine listens; null if there is none. */
    dockerSocket: string | null;
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  installPackages('swarm');
  const engine = await findEngine((line) => console.log(line));
  provide('dockerSocket', engine.socket);
  return () => engine.stop();
}
