// The Docker engine for live tests, as the suite's setup found or started it. Without one, suites that need it are
// skipped by name.

import { describe, inject } from 'vitest';
import { type Docker, openDocker } from '../../../runner/swarm/engine/docker.ts';

/** A suite on a real Swarm, or its name among the skipped. */
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
