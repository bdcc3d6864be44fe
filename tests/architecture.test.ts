// The house rules that a machine can check: imports go one way, pure files, one owner per package, one place that
// starts git, one that knows the process. Each table is data; a file that breaks a rule is named with the offence.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '..');

/** A room may import itself and the rooms after it. */
const direction = ['cli.ts', 'operator', 'loop', 'agents', 'runner', 'state'];

/** Files that may name nothing of the outside world, nor take values from a file that is not on this list. */
const purePaths = [
  'agents/model/backend.ts',
  'agents/text/bound.ts',
  'agents/model/classify.ts',
  'agents/model/errors.ts',
  'agents/text/fence.ts',
  'agents/tools/host.ts',
  'agents/session/limits.ts',
  'agents/tools/logText.ts',
  'agents/model/meter.ts',
  'agents/scripted/play.ts',
  'agents/view/projection.ts',
  'agents/text/redact.ts',
  'agents/model/retry.ts',
  'agents/scripted/script.ts',
  'agents/model/spend.ts',
  'agents/session/talk.ts',
  'agents/model/usage.ts',
  'agents/view/view.ts',
  'agents/scripted/wire.ts',
  'loop/decide/decide.ts',
  'loop/decide/park.ts',
  'loop/decide/reentry.ts',
  'loop/decide/timers.ts',
  'loop/decide/wake.ts',
  'loop/decide/want.ts',
  'operator/runs/compare.ts',
  'operator/terminal/errors.ts',
  'operator/show/evidence.ts',
  'operator/project/proposal.ts',
  'runner/run/assertion.ts',
  'runner/box/errors.ts',
  'runner/run/outcome.ts',
  'runner/run/pinned.ts',
  'runner/box/profile.ts',
  'runner/run/report.ts',
  'runner/run/paths.ts',
  'runner/box/seccomp.ts',
  'runner/swarm/compose/abraSh.ts',
  'runner/swarm/leak/automaton.ts',
  'runner/swarm/compose/backupPlan.ts',
  'runner/swarm/leak/canary.ts',
  'runner/swarm/compose/app.ts',
  'runner/swarm/compose/declared.ts',
  'runner/swarm/compose/deploy.ts',
  'runner/swarm/compose/document.ts',
  'runner/swarm/compose/file.ts',
  'runner/swarm/compose/merge.ts',
  'runner/swarm/compose/mounts.ts',
  'runner/swarm/compose/net.ts',
  'runner/swarm/compose/service.ts',
  'runner/swarm/compose/shape.ts',
  'runner/swarm/compose/tree.ts',
  'runner/swarm/stack/converge.ts',
  'runner/swarm/compose/difference.ts',
  'runner/swarm/leak/encodings.ts',
  'runner/swarm/compose/envSample.ts',
  'runner/swarm/compose/interpolate.ts',
  'runner/swarm/app/json.ts',
  'runner/swarm/lint/lint.ts',
  'runner/swarm/lint/backup.ts',
  'runner/swarm/lint/ground.ts',
  'runner/swarm/lint/names.ts',
  'runner/swarm/lint/release.ts',
  'runner/swarm/lint/service.ts',
  'runner/swarm/app/refused.ts',
  'runner/swarm/compose/release.ts',
  'runner/swarm/leak/scan.ts',
  'runner/swarm/engine/tar.ts',
  'runner/swarm/engine/vaultScripts.ts',
  'state/entry/act.ts',
  'state/gate/admit.ts',
  'state/gate/admitAct.ts',
  'state/gate/admitClaim.ts',
  'state/gate/admitDeferral.ts',
  'state/gate/admitSabotage.ts',
  'state/gate/admitVerdict.ts',
  'state/fold/amendment.ts',
  'state/keys/authority.ts',
  'state/entry/body.ts',
  'state/gate/caps.ts',
  'state/trail/commitRule.ts',
  'state/controls/pieces.ts',
  'state/entry/deferral.ts',
  'state/work/parts.ts',
  'state/entry/digest.ts',
  'state/controls/drill.ts',
  'state/keys/dsse.ts',
  'state/entry/entry.ts',
  'state/entry/errors.ts',
  'state/fold/evidence.ts',
  'state/fold/facts.ts',
  'state/fold/fold.ts',
  'state/fold/act.ts',
  'state/entry/framing.ts',
  'state/controls/functions.ts',
  'state/gate/gate.ts',
  'state/controls/hollow.ts',
  'state/entry/ids.ts',
  'state/gate/inbox.ts',
  'state/controls/judge.ts',
  'state/controls/judgement.ts',
  'state/controls/kept.ts',
  'state/controls/keptPieces.ts',
  'state/controls/languages.ts',
  'state/entry/layout.ts',
  'state/entry/machineTemplate.ts',
  'state/fold/begin.ts',
  'state/entry/phase.ts',
  'state/fold/piece.ts',
  'state/controls/placebo.ts',
  'state/plain/blocks.ts',
  'state/plain/checks.ts',
  'state/plain/context.ts',
  'state/plain/disagree.ts',
  'state/plain/done.ts',
  'state/plain/ends.ts',
  'state/plain/evidence.ts',
  'state/plain/findings.ts',
  'state/plain/gates.ts',
  'state/plain/headline.ts',
  'state/plain/lines.ts',
  'state/plain/marks.ts',
  'state/plain/records.ts',
  'state/plain/sight.ts',
  'state/plain/statements.ts',
  'state/plain/time.ts',
  'state/plain/repeats.ts',
  'state/plain/trail.ts',
  'state/plain/veto.ts',
  'state/plain/vetoes.ts',
  'state/plan/plan.ts',
  'state/plan/check.ts',
  'state/plan/draft.ts',
  'state/plan/front.ts',
  'state/plan/items.ts',
  'state/plan/text.ts',
  'state/entry/policy.ts',
  'state/entry/problem.ts',
  'state/controls/published.ts',
  'state/entry/recipe.ts',
  'state/entry/record.ts',
  'state/entry/refusal.ts',
  'state/controls/revert.ts',
  'state/controls/sabotage.ts',
  'state/keys/signers.ts',
  'state/entry/spec.ts',
  'state/keys/sshsig.ts',
  'state/gate/standing.ts',
  'state/audit/statement.ts',
  'state/entry/subject.ts',
  'state/entry/template.ts',
  'state/entry/words.ts',
  'state/plan/yaml.ts',
];

/** What a pure file takes from one that is not: a constant, or a function without side effects. */
const borrowed: Record<string, string> = {
  'state/trail/commitRule.ts': 'state/git/commits.ts',
  'runner/box/profile.ts': 'runner/box/etc.ts',
  'agents/scripted/play.ts': 'agents/view/prompt.ts',
};

const impure = [
  /from 'node:(?!crypto'|path')/,
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\./,
  /\bMath\.random\b|\brandom[A-Z]\w+\b|\bgenerateKey/,
  /\bawait\b|\basync\b|\bset(Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bfetch\(|\bimport\(/,
];

/** Every package that Coldpass depends on, and the rooms that may import it. */
const owners: Record<string, string[]> = {
  '@anthropic-ai/sdk': ['agents'],
  '@lezer/javascript': ['state'],
  '@lezer/python': ['state'],
  chokidar: ['loop'],
  commander: ['cli.ts'],
  dockerode: ['runner'],
  execa: ['runner'],
  'fast-xml-parser': ['runner'],
  'mdast-util-from-markdown': ['state'],
  picomatch: ['state', 'loop'],
  pino: ['operator'],
  'playwright-core': ['runner'],
  'simple-git': ['state'],
  vitest: ['runner'],
  yaml: ['state', 'runner', 'operator'],
  zod: ['state', 'runner', 'agents', 'operator'],
};

/** Separate programs: git runs the hook, and a box runs what has to happen inside it. */
const programs = [
  'runner/swarm/stack/connect.ts',
  'cli.ts',
  'state/trail/hook.ts',
  'runner/inside/files.ts',
  'runner/inside/net.ts',
  'runner/inside/probe.ts',
  'runner/inside/walk.ts',
  'runner/swarm/kit/hook.ts',
  'runner/swarm/kit/tests.ts',
];

type Source = { path: string; room: string; head: string; code: string; imports: { name: string; isType: boolean }[] };

const sources = ['agents', 'loop', 'operator', 'runner', 'state']
  .flatMap((room) => list(join(top, room)))
  .concat([join(top, 'cli.ts')])
  .map(read);
const pureSources = sources.filter(({ path }) => purePaths.includes(path));

function list(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(dir, name));
}

function read(file: string): Source {
  const path = relative(top, file);
  const text = readFileSync(file, 'utf8');
  const head = /^(\/\/.*\n)*/.exec(text)?.[0] ?? '';
  const code = text.replace(/^\s*(\/\/|\/\*\*|\*).*$/gm, '').replace(/\s\/\/ .*$/gm, '');
  const imports = [
    ...code.matchAll(/\b(?:import|export)\b( type\b)?[^;]*?\bfrom\s*'([^']+)'|\bimport\s*\(?'([^']+)'/g),
  ];
  return {
    path,
    room: path.split('/')[0] as string,
    head,
    code,
    imports: imports.map(([, type, from, bare]) => ({ name: (from ?? bare) as string, isType: type !== undefined })),
  };
}

/** The path, from the top, that a relative import resolves to. */
function target(path: string, name: string): string {
  return relative(top, resolve(top, dirname(path), name));
}

function offenders(pattern: RegExp, allowed: string[]): string[] {
  return sources.filter(({ path, code }) => !allowed.includes(path) && pattern.test(code)).map(({ path }) => path);
}

describe('the repository', () => {
  it('imports only downwards: cli, operator, loop, agents, runner, state', () => {
    const upwards = sources.flatMap(({ path, room, imports }) =>
      imports
        .filter(({ name }) => name.startsWith('.'))
        .map(({ name }) => target(path, name).split('/')[0] as string)
        .filter((other) => direction.indexOf(other) < direction.indexOf(room))
        .map((other) => `${path} imports ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  it('keeps the pure files free of clock, disk, process, random and await', () => {
    expect(pureSources.map(({ path }) => path).sort()).toEqual(purePaths.toSorted());
    const broken = pureSources.flatMap(({ path, code }) =>
      impure.filter((pattern) => pattern.test(code)).map((pattern) => `${path} has ${pattern}`),
    );
    expect(broken).toEqual([]);
  });

  it('lets pure files take values only from pure files, with three named exceptions', () => {
    const valueImports = pureSources.flatMap(({ path, imports }) =>
      imports
        .filter(({ name, isType }) => name.startsWith('.') && !isType)
        .map(({ name }) => target(path, name))
        .filter((other) => !purePaths.includes(other))
        .map((other) => [path, other]),
    );
    expect(Object.fromEntries(valueImports)).toEqual(borrowed);
  });

  it('lists every file that calls itself pure in its first lines', () => {
    const says = sources.filter(({ head }) => /\bpure[.:;,]/i.test(head)).map(({ path }) => path);
    expect(says.filter((path) => !purePaths.includes(path))).toEqual([]);
    expect(says).toContain('loop/decide/decide.ts');
  });

  it('lets only its rooms import each outside package, and has none that nobody imports', () => {
    const outside = sources.flatMap(({ path, room, imports }) =>
      imports
        .filter(({ name, isType }) => !isType && !name.startsWith('.') && !name.startsWith('node:'))
        .map(({ name }) => ({ path, room, pack: /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] as string })),
    );
    expect(outside.filter(({ pack, room }) => !owners[pack]?.includes(room))).toEqual([]);
    const { dependencies } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
    expect([...new Set(outside.map(({ pack }) => pack))].sort()).toEqual(Object.keys(owners).sort());
    expect(Object.keys(dependencies).sort()).toEqual(Object.keys(owners).sort());
  });

  it('starts git in one place, and makes ordinary repositories in another', () => {
    expect(offenders(/'node:child_process'[\s\S]*[[(]'git',/, ['state/git/process.ts'])).toEqual([]);
    expect(offenders(/from 'simple-git'/, ['state/git/checkout.ts'])).toEqual([]);
  });

  it('reads the environment only in cli.ts, and arguments only where a separate program starts', () => {
    expect(offenders(/\bprocess\.env\b/, ['cli.ts'])).toEqual([]);
    expect(offenders(/\bprocess\.argv\b/, programs)).toEqual([]);
  });
});
