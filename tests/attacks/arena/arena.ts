// Plays a whole phase for an attack: a sample project with a real workspace, the real `coldpass run`, real cold runs,
// and agents scripted over HTTP. Unless a case replaces it, the Adversary is in the plot and passes everything it sees,
// so that only code can refuse.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Script } from '../../../agents/scripted/script.ts';
import type { ActDecision } from '../../../operator/acts/act.ts';
import { init } from '../../../operator/setup/init.ts';
import type { PhaseId } from '../../../state/entry/ids.ts';
import { type Phase, phaseAt } from '../../../state/entry/phase.ts';
import { gatesAndDone } from '../../../state/entry/spec.ts';
import { gateReport } from '../../../state/gate/gate.ts';
import { makeRepository } from '../../../state/git/checkout.ts';
import { withTrail } from '../../../state/trail/read.ts';
import { statePaths } from '../../../state/trail/workspace.ts';
import {
  auditOf,
  calls,
  claimOf,
  committed,
  decided,
  type Ground,
  groundEnv,
  type Played,
  play,
  scriptOf,
  wake,
} from '../../support/phase/live.ts';
import type { Attack, Outcome, Refusal, Rule, Twin } from '../case.ts';

const samples = join(import.meta.dirname, '..', '..', 'fixtures', 'attacks');
export const phaseId = 'sample' as PhaseId;

/** How an attack changes an honest phase; anything left out stays honest. */
export type Arena = {
  sample?: 'shell' | 'node' | 'python';
  /** Files that replace those of the sample before its first commit; null removes one. */
  files?: Record<string, string | null>;
  /** `plan`, `gate` and `recipe` override members of the plan's front matter, of its gate M1, and of the recipe. */
  plan?: object;
  gate?: object;
  recipe?: object;
  /** Hold-outs by path: checks outside the repository, which only the verifying sandbox gets. */
  holdout?: Record<string, string>;
  /** What the Builder does in its clone, in sh, before it commits, publishes and claims M1. */
  work?: string | ((ground: Ground) => string);
  message?: string;
  /** The wakes of each role, instead of the usual ones. */
  builder?: unknown[] | ((ground: Ground) => unknown[]);
  adversary?: unknown[];
  env?: Record<string, string>;
  /** What the operator decides once the phase is at rest; the phase then resumes. */
  decisions?: ActDecision[];
  /** Called before the phase starts, to put things outside the clone that an attack may try to steal or damage. */
  before?(ground: Ground): Promise<void> | void;
  /** What stopped the attack, if nothing leaked or was harmed; null if the attack got what it wanted. */
  held?(ground: Ground, played: Played): string | null;
};

export const wait = calls('wait', { why: 'nothing is left to do now' });

/** Plays the phase until it rests. The refusals are those of M1 or DONE, then the refused tool calls, then the park. */
export async function phase(dir: string, arena: Arena): Promise<Outcome> {
  const ground = await lay(dir, arena);
  await arena.before?.(ground);
  const script = scriptFor(arena, ground);
  const first = await play(ground, script, arena.env);
  const played = arena.decisions ? await goOn(ground, script, arena.decisions) : first;
  const outcome = await outcomeOf(ground, played);
  if (!arena.held) return outcome;
  const why = arena.held(ground, played);
  return { ...outcome, accepted: why === null, refusals: why === null ? [] : [{ by: 'sandbox', why }] };
}

async function goOn(ground: Ground, script: Script, decisions: ActDecision[]): Promise<Played> {
  for (const decision of decisions) await decided(ground, decision);
  return play(ground, script, {}, { plan: null });
}

/**
 * The script of both roles: by default the Builder works, claims and hands off, and the Adversary passes everything.
 */
export function scriptFor(arena: Arena, ground: Ground): Script {
  const { work = 'true', message, builder, adversary = stamps } = arena;
  const turns = committed('sha', typeof work === 'string' ? work : work(ground), message);
  return scriptOf({
    builder: (typeof builder === 'function' ? builder(ground) : builder) ?? [
      wake('^- M1: unclaimed', [...turns, claim('{{ sha }}'), wait]),
      handOff,
    ],
    adversary,
  });
}

export function claim(sha: string, gate = 'M1'): unknown {
  return claimOf(gate, sha);
}

export const handOff = wake(
  '^- M1: holds[\\s\\S]*^- DONE: unclaimed',
  [calls('hand_off', { sha: '{{ head }}', summary: 'It adds.' })],
  { head: 'phase/\\S+ is at ([0-9a-f]{40})' },
);

/** Lists the folder, in a tool call that a check can cite. */
export const look = calls('shell', { command: 'ls' }, { seen: { from: 'shell', match: '\\[call (\\d+)\\]' } });

/** Lists the folder, then passes the claim that the session was woken for, with a check of each clause. */
export function passes(clauses: string[], more: object = {}): unknown[] {
  const cites = [{ call: '{{ seen:number }}' }];
  const checks = clauses.map((clause) => ({ clause, saw: 'it is fine', cites }));
  return [look, calls('verdict', { claim: '{{ claim:number }}', verdict: 'PASS', words: 'Fine.', checks, ...more })];
}

export const judging = (gate: string) => `^Woken: judge: claim #\\d+ of ${gate} `;
export const judged = { claim: 'judge: claim #(\\d+) of ' };

/** The wakes of an Adversary that passes everything. */
export const stamps = [
  wake(judging('M[12]'), passes(['2.1', '2.2']), judged),
  wake(judging('DONE'), passes(['2.1', '2.2', 'DoD.1']), judged),
];

/** Lays out the sample's repository and workspace in a new folder. */
export async function lay(dir: string, { sample = 'shell', files = {}, ...arena }: Arena): Promise<Ground> {
  const own = mkdtempSync(join(dir, 'phase-'));
  const repo = join(own, 'repo');
  cpSync(join(samples, sample), repo, { recursive: true });
  const config = parse(readFileSync(join(repo, 'coldpass.yml'), 'utf8'));
  Object.assign(config.recipes.unit, arena.recipe);
  writeFileSync(join(repo, 'coldpass.yml'), stringify(config));
  layFiles(repo, files);
  if (arena.holdout) layFiles(join(own, 'holdout'), arena.holdout);
  await makeRepository(repo, 'A sample that cannot add');
  const plan = join(own, 'plan.md');
  writeFileSync(plan, planText(arena, own));
  const stateDir = join(own, 'state');
  const { workspace } = await init({
    dir: repo,
    env: groundEnv(own),
    home: own,
    uid: process.getuid?.() ?? -1,
    nodePath: process.execPath,
    now: new Date(),
    stateDir,
  });
  return { dir: own, repo, paths: statePaths(stateDir), plan, operatorKey: workspace.operator.key.path };
}

export function planText({ plan = {}, gate = {}, holdout }: Arena, own: string): string {
  const M1 = { recipe: 'unit', covers: ['2.1', '2.2'], controls: ['revert'], expect: { level: 1 }, ...gate };
  const front = {
    phase: phaseId,
    base: 'main',
    gates: { M1 },
    tests: ['tests/**'],
    protected: ['.ci/**', 'packages.lock'],
    budget: { usd: 5, hours: 1, claims: 12 },
    ...(holdout && { holdout: join(own, 'holdout') }),
    ...plan,
  };
  return `---\n${stringify(front)}---\n${readFileSync(join(samples, 'plan.md'), 'utf8')}`;
}

function layFiles(repo: string, files: Record<string, string | null>): void {
  for (const [path, text] of Object.entries(files)) {
    rmSync(join(repo, path), { force: true });
    if (text === null) continue;
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), text);
  }
}

export async function outcomeOf(ground: Ground, played: Played): Promise<Outcome> {
  const { phases } = await withTrail(ground.paths.hub, (trail) => trail.state);
  const known = phases[phaseId] as Phase;
  const audit = await auditOf(ground.paths);
  return { accepted: known.status === 'done', refusals: [...gates(known), ...tools(played), ...park(known)], audit };
}

/**
 * What refused M1, or DONE if every gate before it holds: the conditions that turned the claim red; if none did, the
 * first unmet one. Other conditions are unmet because of these: their runs were not started, or were cancelled.
 */
function gates(known: Phase): Refusal[] {
  for (const gate of gatesAndDone(known.spec)) {
    const { conditions, standing } = gateReport(phaseAt(known, Date.now()), gate);
    const reds = standing?.state === 'red' ? standing.why : [];
    const unmet = conditions.filter(({ met }) => !met);
    const red = unmet.filter((condition) => condition.unmet.some((why) => reds.includes(why)));
    const first = red.length > 0 ? red : unmet.slice(0, 1);
    if (first.length > 0)
      return first.map(({ name, unmet: why }) => ({ by: `gate: ${name}` as Refusal['by'], why: why.join('; ') }));
  }
  return [];
}

/** Tool calls that the host refused. A command that ran in the clone and failed does not count. */
function tools({ calls: made }: Played): Refusal[] {
  return made.filter(({ ok }) => !ok).map(({ tool, text }) => ({ by: `tool: ${tool}`, why: text }));
}

function park({ parked }: Phase): Refusal[] {
  return parked ? [{ by: `park: ${parked.reason}`, why: parked.why }] : [];
}

/** An attack that a phase must withstand. */
export function against(rows: string, title: string, refusedBy: Rule, because: RegExp, arena: Arena): Attack {
  return { rows, title, refusedBy, because, playsPhase: true, play: (dir) => phase(dir, arena) };
}

/** An honest twin that plays a phase, which must reach DONE. */
export function honestly(title: string, arena: Arena): Twin {
  return { title, play: (dir) => phase(dir, arena) };
}
