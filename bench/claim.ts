// Measures the time from a claim to its signed record, through the whole loop, and compares it with a clone and a run
// made by hand: `node bench/claim.ts`, or `benchClaim()`. It uses a 17 MB repository, an empty recipe and scripted
// agents; the operator's steps (init, queue, supervise) are real.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { anthropic } from '../agents/model/anthropic.ts';
import { systemClock } from '../agents/model/clock.ts';
import { priceOf } from '../agents/model/spend.ts';
import { Script } from '../agents/scripted/script.ts';
import { startScripted } from '../agents/scripted/scripted.ts';
import { limitsFrom } from '../agents/session/limits.ts';
import type { AgentSetup, LoopProgress } from '../loop/hands/world.ts';
import { supervise } from '../loop/supervisor.ts';
import { queueAct, readyPlan } from '../operator/acts/queue.ts';
import { init } from '../operator/setup/init.ts';
import { here } from '../operator/workspace/here.ts';
import { drop } from '../operator/workspace/sign.ts';
import { makeRepository } from '../state/git/checkout.ts';

const gatesDefault = 9;
const fileCount = 340;
const fileBytes = 50_000;
const command = `printf '<testsuite tests="1"><testcase classname="t" name="a"/></testsuite>' > report.xml`;

export type ClaimFigures = {
  claims: number;
  beginP50Ms: number;
  beginP95Ms: number;
  recordP50Ms: number;
  byHandP50Ms: number;
  times: number;
};

/** Claims `gates` gates one after the other, cloning by hand in between. */
export async function benchClaim(gates = gatesDefault): Promise<ClaimFigures> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-bench-')));
  try {
    return await measured(dir, gates);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measured(dir: string, gates: number): Promise<ClaimFigures> {
  const repo = join(dir, 'repo');
  mkdirSync(join(repo, 'files'), { recursive: true });
  for (let n = 0; n < fileCount; n++) writeFileSync(join(repo, 'files', `${n}.bin`), randomBytes(fileBytes));
  const recipe = { stages: [{ name: 'test', run: command, report: 'report.xml' }], tests: ['tests/**'] };
  writeFileSync(join(repo, 'coldpass.yml'), JSON.stringify({ name: 'bench', recipes: { empty: recipe } }));
  const plan = join(dir, 'plan-phase-bench.md');
  writeFileSync(plan, planText(gates));
  await makeRepository(repo, 'Files');
  const env = { PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: join(dir, 'config') };
  const uid = process.getuid?.() ?? 0;
  const location = { dir: repo, env, home: dir, uid, stateDir: join(dir, 'state') };
  await init({ ...location, nodePath: process.execPath, now: new Date() });
  const place = await here(location);
  await drop(place, await queueAct(readyPlan(repo, plan, place), place, { env, now: new Date() }));
  const server = await startScripted(scriptFor(gates));
  const times = new Map<number, { claimed: number; begun: number; recorded: number }>();
  const byHand: number[] = [];
  try {
    const agent = (): AgentSetup => ({
      backend: anthropic({
        apiKey: 'a-script-needs-no-key',
        baseURL: server.url,
        model: 'scripted',
        clock: systemClock(),
      }),
      price: priceOf('scripted'),
      limits: limitsFrom(),
      secrets: [],
    });
    await supervise({
      workspace: place.workspace,
      paths: place.paths,
      agents: { builder: agent(), adversary: agent() },
      clock: systemClock(),
      log: pino({ level: 'silent' }),
      signal: new AbortController().signal,
      onProgress: (progress) => {
        note(times, progress);
        // After a verdict nothing else runs, so a clone by hand is timed now and the two measurements alternate.
        if (progress.kind !== 'entry' || progress.entry.kind !== 'verdict') return;
        byHand.push(cloneByHand(join(dir, `hand-${byHand.length}`), place.paths.hub));
      },
    });
  } finally {
    await server.close();
  }
  const all = [...times.values()].filter((one) => one.recorded > 0);
  const begin = all.map((one) => one.begun - one.claimed);
  const record = all.map((one) => one.recorded - one.claimed);
  const byHandP50Ms = quantile(byHand, 0.5);
  return {
    claims: all.length,
    beginP50Ms: quantile(begin, 0.5),
    beginP95Ms: quantile(begin, 0.95),
    recordP50Ms: quantile(record, 0.5),
    byHandP50Ms,
    times: quantile(record, 0.5) / byHandP50Ms,
  };
}

function note(times: Map<number, { claimed: number; begun: number; recorded: number }>, progress: LoopProgress): void {
  const now = performance.now();
  if (progress.kind === 'entry' && progress.entry.kind === 'claim' && progress.entry.facts.gate !== 'DONE') {
    times.set(progress.entry.id, { claimed: now, begun: 0, recorded: 0 });
  }
  if (progress.kind === 'run' && progress.at === 'started') {
    const one = times.get(Number(/^gate:(\d+):/.exec(progress.what)?.[1]));
    if (one) one.begun = now;
  }
  if (progress.kind === 'entry' && progress.entry.kind === 'run' && progress.entry.facts.purpose.kind === 'gate') {
    const one = times.get(progress.entry.facts.purpose.claim);
    if (one) one.recorded = now;
  }
}

/** Times the commands you would type: clone, run, delete. */
function cloneByHand(into: string, hub: string): number {
  const startedAtMs = performance.now();
  execFileSync('git', ['clone', '--quiet', '--branch', 'main', pathToFileURL(hub).href, into], { stdio: 'ignore' });
  execFileSync('sh', ['-c', command], { cwd: into });
  rmSync(into, { recursive: true });
  return performance.now() - startedAtMs;
}

function planText(gates: number): string {
  const names = Array.from({ length: gates }, (_, i) => `M${i + 1}`);
  const unchecked = '{ none: "the empty recipe has no tests of its own" }';
  const list = names.map((name) => `  ${name}: { recipe: empty, covers: ["2.1"], controls: ${unchecked} }`);
  const front = ['---', 'phase: bench', 'gates:', ...list, `budget: { claims: ${gates + 2} }`, '---'];
  const text = [
    '# Phase bench',
    '',
    '**Mission**: none.',
    '',
    '## 2. Work requirements',
    '',
    '1. Nothing.',
    '',
    '## 5. Definition of Done',
    '',
    '- Nothing.',
    '',
  ];
  return [...front, '', ...text].join('\n');
}

function scriptFor(gates: number): Script {
  const head = { head: 'phase/\\S+ is at ([0-9a-f]{40})' };
  const claim = (n: number) => ({
    name: `claim M${n}`,
    when: { matches: `^- M${n}: unclaimed` },
    save: head,
    turns: [
      { call: [{ tool: 'claim', input: { gate: `M${n}`, sha: '{{ head }}', what: 'x', how: 'x', expected: 'x' } }] },
      { call: [{ tool: 'wait', input: { why: 'it is judged' } }] },
    ],
  });
  const verdict = {
    claim: '{{ claim:number }}',
    verdict: 'PASS',
    words: 'x',
    checks: [{ clause: '2.1', saw: 'x', cites: [{ run: '{{ run }}' }] }],
  };
  return Script.parse({
    roles: {
      builder: [
        ...Array.from({ length: gates }, (_, i) => claim(i + 1)),
        { name: 'rest', turns: [{ call: [{ tool: 'wait', input: { why: 'all is claimed' } }] }] },
      ],
      adversary: [
        {
          name: 'judge',
          save: { claim: 'judge: claim #(\\d+)', run: '(r-[0-9a-f]{12}) \\(gate' },
          turns: [{ call: [{ tool: 'verdict', input: verdict }] }],
        },
      ],
    },
  });
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(await benchClaim());
