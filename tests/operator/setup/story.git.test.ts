// Checks the demo's story. Real processes run the tests of each version of the sample, the combinations that the
// control `revert` will run, and the reproducer; the script is checked against its plan and the tools that it calls.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Submission, ToolHost } from '../../../agents/tools/host.ts';
import { toolsFor } from '../../../agents/tools/tools.ts';
import { demoDir, demoScript } from '../../../operator/setup/story.ts';
import { readReport } from '../../../runner/run/report.ts';
import { checkBody } from '../../../state/entry/body.ts';
import { type Digest, DONE, type GateId } from '../../../state/entry/ids.ts';
import { CommandRecipe } from '../../../state/entry/recipe.ts';
import { coveredBy } from '../../../state/entry/spec.ts';
import { readConfig, recipeNamed } from '../../../state/plan/config.ts';
import { readPlan } from '../../../state/plan/plan.ts';
import { tempDir } from '../../support/temp.ts';

const steps = ['1-index-tested', '3-both-stores', '4-bad-archives'] as const;
const reproducer = 'tests/repro-messages-lost.js';

test.each([
  [0, 10, 1],
  [1, 13, 1],
  [2, 16, 0],
  [3, 21, 0],
])('version %d of the sample is green with %d tests, and the reproducer exits with %d', (count, passing, exit) => {
  const dir = version(count);
  const tests = results(dir);
  expect(tests.map((one) => one.status)).toEqual(Array(passing).fill('pass'));
  cpSync(join(demoDir, 'steps/2-reproducer', reproducer), join(dir, reproducer));
  const ran = spawnSync(process.execPath, [reproducer], { cwd: dir, encoding: 'utf8' });
  expect(ran.status, ran.stdout + ran.stderr).toBe(exit);
});

test.each([
  [1, 0, 3],
  [2, 0, 6],
  [3, 2, 5],
  [3, 0, 11],
])('the tests added by version %d fail on version %d, all %d on an assertion', (later, earlier, failing) => {
  const dir = version(earlier);
  rmSync(join(dir, 'tests'), { recursive: true });
  cpSync(join(version(later), 'tests'), join(dir, 'tests'), { recursive: true });
  const failed = results(dir).filter((one) => one.status === 'fail');
  expect(failed.map((one) => one.failure?.kind)).toEqual(Array(failing).fill('assertion'));
});

test("the sample's configuration and plan are sound", () => {
  expect(Object.keys(readConfig(join(demoDir, 'sample')).recipes)).toEqual(['unit']);
  expect(plan().gates).toMatchObject({ M1: { recipe: 'unit', times: 2 }, M2: { requires: ['M1'] } });
});

test("every call in the script is valid for the tools of the call's role", async () => {
  for (const { role, where, tool, input } of calls()) {
    const known = toolsFor(role).find((one) => one.name === tool);
    expect(await known?.call(input, { ...context, host: listener([]) }), `${where}: ${tool}`).toMatchObject({
      ok: true,
    });
  }
});

test('the trail accepts every text that the script puts on it', async () => {
  const submissions: Submission[] = [];
  for (const { role, tool, input } of calls()) {
    await toolsFor(role)
      .find((one) => one.name === tool)
      ?.call(input, { ...context, host: listener(submissions) });
  }
  expect(submissions.map(({ kind }) => kind).sort()).toEqual([
    'claim',
    'claim',
    'claim',
    'claim',
    'finding',
    'journal',
    ...Array(5).fill('verdict'),
  ]);
  for (const { kind, body } of submissions) expect(checkBody(body), `${kind}: ${body}`).toBeNull();
});

test('every PASS checks each clause that its gate covers', () => {
  const passes = calls().filter(({ input }) => input.verdict === 'PASS');
  const checked = passes.map(({ input }) => (input.checks as { clause: string }[]).map((check) => check.clause));
  expect(checked).toEqual((['M1', 'M2', DONE] as GateId[]).map((gate) => coveredBy(plan(), gate)));
});

test("the script's finding has the reproducer from the demo's folder, at its path under tests/", () => {
  const filed = calls().filter(({ tool }) => tool === 'finding');
  const content = readFileSync(join(demoDir, 'steps/2-reproducer', reproducer), 'utf8');
  expect(filed.map(({ input }) => input.reproducer)).toEqual([
    { path: reproducer, command: `node ${reproducer}`, content },
  ]);
});

const taken = { ok: true, text: '#7' };
const context = { signal: new AbortController().signal, seen: [], cite: () => 'd'.repeat(64) as Digest };

/** Returns a host that accepts everything and adds what is submitted to `submissions`. */
function listener(submissions: Submission[]): ToolHost {
  const take = async () => taken;
  const submit = async (submission: Submission) => {
    submissions.push(submission);
    return taken;
  };
  return {
    shell: take,
    read: take,
    edit: take,
    trail: take,
    diff: take,
    log: take,
    publish: take,
    trial: take,
    submit,
  };
}

/** Creates the sample with the first `count` steps copied over it, and returns its folder. */
function version(count: number): string {
  const dir = tempDir();
  cpSync(join(demoDir, 'sample'), dir, { recursive: true });
  for (const step of steps.slice(0, count)) cpSync(join(demoDir, 'steps', step), dir, { recursive: true });
  return dir;
}

function results(dir: string) {
  const { run = '', report = '' } = CommandRecipe.parse(recipeNamed(readConfig(dir), 'unit')).stages[0] ?? {};
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: dir };
  spawnSync('sh', ['-c', run], { cwd: dir, env });
  expect(existsSync(join(dir, report))).toBe(true);
  const read = readReport(readFileSync(join(dir, report)), 'test', dir);
  if ('unreadable' in read) throw new Error(read.unreadable);
  return read.tests;
}

function plan() {
  const read = readPlan(readFileSync(join(demoDir, 'plan-phase-postbox-backup.md'), 'utf8'));
  if (!('spec' in read)) throw new Error(JSON.stringify(read));
  return read.spec;
}

/** Returns every call in the script, with placeholders for saved values replaced. */
function calls() {
  const { roles } = demoScript();
  return (['builder', 'adversary'] as const).flatMap((role) =>
    (roles[role] ?? []).flatMap((wake) =>
      wake.turns.flatMap((turn) =>
        (turn.call ?? []).map(({ tool, input }) => ({
          role,
          where: wake.name,
          tool,
          input: filled(input) as Record<string, unknown>,
        })),
      ),
    ),
  );
}

function filled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filled);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filled(member)]));
  if (typeof value !== 'string') return value;
  if (/^\{\{ \w+:number \}\}$/.test(value)) return 7;
  return value
    .replace(/\{\{ (sha|head) \}\}/g, 'a'.repeat(40))
    .replace(/\{\{ (run|repro|control|first|second) \}\}/g, 'r-0123456789ab')
    .replace(/\{\{ \w+ \}\}/g, '7');
}
