// The sandbox of a workspace, opened outside the supervisor: to check it (`doctor`) or for your own run (`try`).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenResult, openSandbox } from '../../runner/box/open.ts';
import type { Here } from './place.ts';

/** The sandbox that this workspace's runs would use; without a workspace, one in a temporary folder. */
export async function sandboxOf(place: Here | null): Promise<OpenResult> {
  if (place) return openSandbox({ stateDir: place.paths.stateDir, ...uidsOf(place) });
  const stateDir = mkdtempSync(join(tmpdir(), 'coldpass-doctor-'));
  try {
    return await openSandbox({ stateDir });
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** The users that the workspace's boxes run as, as sandbox options. */
export function uidsOf({ workspace }: Pick<Here, 'workspace'>): { uids?: NonNullable<Here['workspace']['uids']> } {
  return workspace.uids ? { uids: workspace.uids } : {};
}
