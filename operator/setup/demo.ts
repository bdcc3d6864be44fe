// `coldpass demo`: a whole phase on a sample project, in its own folder, with a real hub, signatures, sandbox, cold
// runs and SDK. Only the model is missing: a script plays the agents, and the demo says so.

import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { anthropic } from '../../agents/model/anthropic.ts';
import type { Clock } from '../../agents/model/clock.ts';
import { priceOf } from '../../agents/model/spend.ts';
import { startScripted } from '../../agents/scripted/scripted.ts';
import { limitsFrom } from '../../agents/session/limits.ts';
import type { AgentSetup, LoopProgress } from '../../loop/hands/world.ts';
import { makeRepository } from '../../state/git/checkout.ts';
import { type AuditResult, auditTrail, sayAudit } from '../audit/audit.ts';
import type { Env } from '../project/project.ts';
import { type RunEnd, run } from '../runs/run.ts';
import { sayRun } from '../runs/sayRun.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import { type Screen, styled } from '../terminal/print.ts';
import type { Agents } from '../workspace/agents.ts';
import type { CommandContext } from '../workspace/place.ts';
import { type InitReport, init } from './init.ts';
import { demoDir, demoScript } from './story.ts';

const planFile = 'plan-phase-postbox-backup.md';
/** The SDK needs a key; the endpoint on loopback accepts any. */
const scriptKey = 'a-script-needs-no-key';

export type DemoOptions = {
  /** The folder for everything: empty or missing; by default a new temporary folder. */
  dir?: string;
  env: Env;
  home: string;
  uid: number;
  nodePath: string;
  clock: Clock;
  signal: AbortSignal;
  /** Called once everything is set up, before anything runs. */
  onLaid?(ground: DemoGround): void;
  onProgress?(progress: LoopProgress): void;
};

export type DemoGround = { dir: string; repo: string; plan: string; asked: CommandContext; made: InitReport };
export type DemoEnd = { exit: Exit; dir: string; repo: string; state: string; run: RunEnd; audit: AuditResult };

/** Sets up the sample project, runs the phase, audits its trail. */
export async function demo(options: DemoOptions): Promise<DemoEnd> {
  const ground = await layDemo(options);
  options.onLaid?.(ground);
  const server = await startScripted(demoScript());
  try {
    const end = await run({
      asked: ground.asked,
      plan: ground.plan,
      clock: options.clock,
      signal: options.signal,
      agents: scriptedAgents(server.url, options.clock),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    const audit = await auditTrail(ground.asked, { root: ground.made.workspace.root, head: end.head });
    const exit = end.exit === exits.yes && !audit.ok ? exits.no : end.exit;
    return { exit, dir: ground.dir, repo: ground.repo, state: ground.made.stateDir, run: end, audit };
  } finally {
    await server.close();
  }
}

/**
 * Creates a repository from the sample, with its workspace beside it. The demo has its own key, so yours is not
 * touched.
 */
export async function layDemo(options: Omit<DemoOptions, 'signal'>): Promise<DemoGround> {
  const dir = emptyDir(options.dir);
  const repo = join(dir, 'postbox');
  cpSync(join(demoDir, 'sample'), repo, { recursive: true });
  const plan = join(dir, planFile);
  copyFileSync(join(demoDir, planFile), plan);
  await makeRepository(repo, 'A postbox that keeps mail, and cannot back it up');
  // Without a PATH the sample runs on Coldpass's own node, whatever else is on the machine.
  const env = { ...options.env, PATH: '', XDG_CONFIG_HOME: join(dir, 'operator') };
  const asked = { dir: repo, env, home: options.home, uid: options.uid, stateDir: join(dir, 'state') };
  const now = new Date(options.clock.nowMs());
  const made = await init({ ...asked, nodePath: options.nodePath, now, demo: true });
  return { dir, repo, plan, asked, made };
}

/** Both roles, played by the script behind `url`. */
export function scriptedAgents(url: string, clock: Clock): Agents {
  const agent = (): AgentSetup => ({
    backend: anthropic({ apiKey: scriptKey, baseURL: url, model: 'scripted', clock }),
    price: priceOf('scripted'),
    limits: limitsFrom(),
    secrets: [],
  });
  return { builder: agent(), adversary: agent() };
}

export function sayGround({ dir }: DemoGround, out: Screen): void {
  const { paint } = out;
  out.line(styled`${paint.bold('A phase from plan to DONE')}, on a small sample project in ${dir}`);
  out.line('A script plays the Builder and the Adversary; no model is called. Everything else is real: git,');
  out.line('signatures, sandboxed cold runs, the SDK over HTTP. The plan: `postbox` keeps mail in two stores;');
  out.line('add backup and restore.');
  out.line('');
}

/** Warns at once if the phase opens without a sandbox, which is allowed only in a demo. */
export function sayUnboxed(progress: LoopProgress, { line, paint }: Screen): void {
  if (progress.kind !== 'entry' || progress.entry.kind !== 'phase') return;
  const { facts } = progress.entry;
  if (facts.event !== 'opened' || facts.sandbox !== 'none') return;
  line(
    styled`${paint.warn('NO SANDBOX')}  bubblewrap is missing or does not work here (see: coldpass doctor). This demo runs`,
  );
  line('without a sandbox, and its workspace is marked so. A phase on your own repository would not start.');
}

export function sayDemo({ dir, repo, state, run: end, audit }: DemoEnd, out: Screen): void {
  out.line('');
  if (end.branch === null) sayRun(end, out);
  else out.line(styled`${out.paint.good('DONE')}  the work is on branch ${end.branch} of ${repo}, not merged`);
  out.line('');
  sayAudit(audit, out);
  out.line('');
  out.line('Look around:');
  out.line(styled`  git -C ${join(state, 'hub.git')} log --oneline trail`);
  out.line(styled`  git -C ${join(state, 'hub.git')} show trail:machine-docs/REVIEW-${end.phase}.md`);
  out.line(styled`  git -C ${repo} diff main phase/${end.phase}`);
  out.line(styled`  cd ${repo} && coldpass status --state ${state}`);
  out.line(styled`  cd ${repo} && coldpass explain M1 --state ${state}`);
  out.line(styled`  cd ${repo} && coldpass audit --state ${state} && git merge ${end.branch ?? 'main'}`);
  out.line(styled`Everything is in ${dir}; remove it when you are done.`);
}

function emptyDir(asked: string | undefined): string {
  if (asked === undefined) return realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-demo-')));
  const dir = resolve(asked);
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new UsageError(`${dir} is not empty; name an empty or a new folder`);
  }
  mkdirSync(dir, { recursive: true });
  return realpathSync(dir);
}
