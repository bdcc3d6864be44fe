// Runs before the first test of the tier `swarm`: finds or starts a Docker engine with an active swarm. An engine that
// it started is stopped after the last test.

import type { TestProject } from 'vitest/node';
import { findEngine } from './dockerEngine.ts';
import { installPackages } from './packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Socket of the tests' Docker engine; null if there is none. */
    dockerSocket: string | null;
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  installPackages('swarm');
  const engine = await findEngine((line) => console.log(line));
  provide('dockerSocket', engine.socket);
  return () => engine.stop();
}
