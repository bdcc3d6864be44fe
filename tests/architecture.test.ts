// The house rules that a machine can check: one direction of imports, pure files, one owner a package, one place that starts
// git, one that knows the process. Each table is data; a file that breaks a rule is named with what it does.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '..');

/** A room may import itself and the rooms after it. */
const direction = ['cli.ts', 'operator', 'loop', 'agents', 'runner', 'state'];

/** Files in which nothing of the world may be named, nor values taken from a file that is not in this list. */
const pure: Record<string, string> = {
  state:
    'act admit admitAct admitClaim admitSabotage admitVerdict body commitRule diffParts digest dsse entry errors evidence facts fold foldAct framing gate ids inbox layout ' +
    'machineTemplate plan planCheck planDraft planFront planItems planText phase policy problem recipe record revert spec ' +
    'sshsig standing statement subject template words yaml ' +
    'plainBlocks plainChecks plainContext plainDisagree plainDone plainEnds plainEvidence plainFindings plainGates plainHeadline ' +
    'plainLines plainMarks plainRecords plainSight plainStatements plainTime plainTold plainTrail plainVeto plainVetoes ' +
    'controlPieces functions hollow judgeControl judgement languages piece placebo sabotage ' +
    'admitDeferral amendment authority caps deferral drill kept keptPieces made published refusal signers',
  runner:
    'assertion errors outcome pinned profile report runPaths seccomp ' +
    'swarm/abraSh swarm/automaton swarm/backupPlan swarm/canary swarm/composeApp swarm/composeDeclared swarm/composeDeploy swarm/composeDocument ' +
    'swarm/composeFile swarm/composeMerge swarm/composeMounts swarm/composeNet swarm/composeService swarm/composeShape ' +
    'swarm/composeTree swarm/converge swarm/difference swarm/encodings swarm/envSample swarm/interpolate ' +
    'swarm/json swarm/lint swarm/lintBackup swarm/lintGround swarm/lintNames swarm/lintRelease swarm/lintService ' +
    'swarm/refused swarm/release swarm/scan swarm/tar swarm/vaultScripts',
  agents:
    'backend bound classify errors fence host limits logText meter play projection redact retry script spend talk usage view wire',
  loop: 'decide park reentry timers wake want',
  operator: 'compare errors evidence proposal',
};
const purePaths = Object.entries(pure).flatMap(([room, names]) => names.split(' ').map((name) => `${room}/${name}.ts`));

/** What a pure file takes from one that is not: a constant, or a function that touches nothing. */
const borrowed: Record<string, string> = {
  'state/commitRule.ts': 'state/commits.ts',
  'runner/profile.ts': 'runner/etc.ts',
  'agents/play.ts': 'agents/prompt.ts',
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

/** Programs of their own: git runs the hook, and a box runs what has to be done inside it. */
const programs = [
  'runner/swarm/connect.ts',
  'cli.ts',
  'state/hook.ts',
  'runner/boxed.ts',
  'runner/boxnet.ts',
  'runner/boxprobe.ts',
  'runner/boxwalk.ts',
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
    ...{ path, room: path.split('/')[0] as string, head, code },
    imports: imports.map(([, type, from, bare]) => ({ name: (from ?? bare) as string, isType: type !== undefined })),
  };
}

/** Where a relative import leads, from the top. */
function target(path: string, name: string): string {
  return relative(top, resolve(top, dirname(path), name));
}

function found(pattern: RegExp, allowed: string[]): string[] {
  return sources.filter(({ path, code }) => !allowed.includes(path) && pattern.test(code)).map(({ path }) => path);
}

describe('the house', () => {
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

  it('lets pure files take values from pure files alone, but for three that are named', () => {
    const taken = pureSources.flatMap(({ path, imports }) =>
      imports
        .filter(({ name, isType }) => name.startsWith('.') && !isType)
        .map(({ name }) => target(path, name))
        .filter((other) => !purePaths.includes(other))
        .map((other) => [path, other]),
    );
    expect(Object.fromEntries(taken)).toEqual(borrowed);
  });

  it('lists every file as pure that says so in its first lines', () => {
    const says = sources.filter(({ head }) => /\bpure[.:;,]/i.test(head)).map(({ path }) => path);
    expect(says.filter((path) => !purePaths.includes(path))).toEqual([]);
    expect(says).toContain('loop/decide.ts');
  });

  it('lets each outside package be imported by its own rooms, and has none that nobody imports', () => {
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
    expect(found(/'node:child_process'[\s\S]*[[(]'git',/, ['state/gitProcess.ts'])).toEqual([]);
    expect(found(/from 'simple-git'/, ['state/checkout.ts'])).toEqual([]);
  });

  it('reads the environment in cli.ts alone, and arguments only where a program of its own begins', () => {
    expect(found(/\bprocess\.env\b/, ['cli.ts'])).toEqual([]);
    expect(found(/\bprocess\.argv\b/, programs)).toEqual([]);
  });
});
