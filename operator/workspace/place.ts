// Where a command was typed, and the workspace that belongs there.

import type { Config } from '../../state/plan/config.ts';
import type { StatePaths, Workspace } from '../../state/trail/workspace.ts';
import type { Env } from '../project/project.ts';
import type { Repository } from '../project/repository.ts';

export type CommandContext = { dir: string; env: Env; home: string; uid: number; stateDir?: string };

export type Here = { repository: Repository; config: Config; workspace: Workspace; paths: StatePaths };
