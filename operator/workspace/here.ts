// Where a command is run: the repository, its configuration and its workspace. Every command except `init`, `demo` and
// the offline audit starts here.

import { resolve } from 'node:path';
import { readConfig } from '../../state/plan/config.ts';
import { openWorkspace, stateDirFor, statePaths } from '../../state/trail/workspace.ts';
import { findRepository } from '../project/repository.ts';
import { UsageError } from '../terminal/errors.ts';
import type { CommandContext, Here } from './place.ts';
import { settledWorkspace } from './rotate.ts';

/** The repository and its configuration, for commands that need no state. Throws like `here`. */
export async function readHere(asked: CommandContext): Promise<Pick<Here, 'repository' | 'config'>> {
  const repository = await findRepository(asked.dir, asked.uid);
  return { repository, config: readConfig(repository.top) };
}

/** Throws UsageError, Refused or TrailError: one line that says what to type. */
export async function here(asked: CommandContext): Promise<Here> {
  const { repository, config } = await readHere(asked);
  const stateDir = asked.stateDir ? resolve(asked.dir, asked.stateDir) : stateDirFor(config.name, asked);
  const workspace = openWorkspace(stateDir, repository.top);
  if (workspace === null)
    throw new UsageError(
      `${config.name} has no state on this machine (${stateDir}); type: coldpass init, or pass --state FOLDER`,
    );
  const paths = statePaths(stateDir);
  return { repository, config, workspace: await settledWorkspace(workspace, paths), paths };
}
