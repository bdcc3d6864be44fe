// The Docker engine for live tests, which the suite's setup found or started. Without one, suites that need it are
// listed as skipped.

import { describe, inject } from 'vitest';
import { type Docker, openDocker } from '../../../runner/swarm/engine/docker.ts';

/** `describe` for tests on a real Swarm; without an engine they are skipped. */
export const describeSwarm = inject('dockerSocket') === null ? describe.skip : describe;

export function engineSocket(): string {
  const socket = inject('dockerSocket');
  if (socket === null) throw new Error('there is no Docker engine: the suite should have been skipped');
  return socket;
}

export async function dockerHere(): Promise<{ socket: string; docker: Docker }> {
  const socket = engineSocket();
  return { socket, docker: openDocker(socket) };
}
