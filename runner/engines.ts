// The engine of this machine: commands in boxes, and apps where the operator granted a Docker engine.

import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Engine } from './run/engine.ts';
import { type ProcessEngineOptions, processEngine } from './run/process.ts';
import { swarmEngine } from './swarm/rungs/swarm.ts';

export type EngineOptions = ProcessEngineOptions & {
  /** Path of the Docker engine's socket, as granted; null where none is. */
  docker: string | null;
};

export function openEngine({ docker, ...options }: EngineOptions): Engine {
  const commands = processEngine({ ...options, apps: docker !== null });
  if (docker === null) return commands;
  const { sandbox, runsDir } = options;
  return swarmEngine({ commands, sandbox, runsDir, socket: docker, modules: modulesFolder() });
}

/** The folder of packages that Coldpass itself runs with: what an app's suite is tested with. */
function modulesFolder(): string {
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('vitest/package.json')));
  return existsSync(folder) ? realpathSync(folder) : folder;
}
