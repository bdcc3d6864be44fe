// The phase of the fixture `mail`: its repository as it is before the phase, its plan, and the script that plays the
// agents.

import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readScript, Script } from '../../../agents/scripted/script.ts';
import { init } from '../../../operator/setup/init.ts';
import { layApp } from '../../../recipes/lay.ts';
import { statePaths } from '../../../state/trail/workspace.ts';
import { fixtures, type Ground, groundEnv, liveDir } from '../phase/live.ts';

const top = join(import.meta.dirname, '..', '..', '..');
const mail = join(fixtures, 'mail');

/**
 * Lays out the recipe `mail` with the label and the shallow test of its defective twin: the label backs up only
 * accounts, and no test notices that.
 */
export async function layMailPhase(docker: string): Promise<Ground> {
  const dir = liveDir();
  const repo = join(dir, 'mail');
  await layApp('mail', repo, { twin: true, over: ['shallow'] });
  appendFileSync(join(repo, 'coldpass.yml'), '\nagents: { model: scripted }\n');
  const as = ['-c', 'user.name=Operator', '-c', 'user.email=operator@app.test'];
  execFileSync('git', ['-C', repo, ...as, 'commit', '--quiet', '--all', '--message', 'Say which model plays']);
  const stateDir = join(dir, 'workspaces', 'mail');
  mkdirSync(dirname(stateDir));
  const { workspace } = await init({
    dir: repo,
    env: groundEnv(dir),
    home: dir,
    uid: process.getuid?.() ?? -1,
    nodePath: process.execPath,
    now: new Date(),
    stateDir,
    docker,
  });
  const plan = join(mail, 'plan-phase-mail-backup.md');
  return { dir, repo, paths: statePaths(stateDir), plan, operatorKey: workspace.operator.key.path };
}

/** The fixture's script, with each `file:PATH` replaced by that file's text. */
export function mailScript(): Script {
  return Script.parse(withFiles(readScript(readFileSync(join(mail, 'script.yml'), 'utf8'), 'script.yml')));
}

export function mailPlan(): string {
  return readFileSync(join(mail, 'plan-phase-mail-backup.md'), 'utf8');
}

function withFiles(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith('file:') ? readFileSync(join(top, value.slice(5)), 'utf8') : value;
  if (Array.isArray(value)) return value.map(withFiles);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withFiles(member)]));
}
