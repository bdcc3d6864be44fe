// Opens this machine's engine: commands run in boxes, and apps on a Docker engine if the operator granted one.

import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Engine } from './run/engine.ts';
import { type ProcessEngineOptions, processEngine } from './run/process.ts';
import { swarmEngine } from './swarm/rungs/swarm.ts';

export type EngineOptions = ProcessEngineOptions & {
  /** Path of the granted Docker engine's socket; null if none is granted. */
  docker: string | null;
};

export function openEngine({ docker, ...options }: EngineOptions): Engine {
  const commands = processEngine({ ...options, apps: docker !== null });
  if (docker === null) return commands;
  const { sandbox, runsDir } = options;
  return swarmEngine({ commands, sandbox, runsDir, socket: docker, modules: modulesFolder() });
}

/** The node_modules folder that Coldpass itself runs from; an app's test suite uses the same packages. */
function modulesFolder(): string {
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('vitest/package.json')));
  return existsSync(folder) ? realpathSync(folder) : folder;
}
