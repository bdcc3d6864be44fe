// The house rules that a machine can check: one direction of imports, rooms within rooms, no circles, pure files, one home a name,
// one owner a package, one place that starts git, one that knows the process. Each table is data; a file that breaks a rule is
// named with what it does.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutants } from './attacks/mutants/mutants.ts';
import {
  circles,
  commentsOf,
  filesBelow,
  packingSpreads,
  pathsIn,
  secondHomes,
  sourceOf,
  sourcesOf,
  top,
  unlisted,
  upwards,
} from './support/house.ts';

/** For each folder its rooms, the lowest first: a room may import itself and those before it. `.` are a folder's own files. */
const rooms: Record<string, string[]> = {
  '': ['state', 'runner', 'agents', 'loop', 'operator', 'cli.ts'],
  state: ['entry', 'keys', 'plan', 'git', 'fold', 'controls', 'gate', 'trail', 'work', 'audit', 'plain'],
  runner: ['box', 'inside', 'run', 'swarm', '.'],
  'runner/swarm': ['app', 'engine', 'leak', 'stack', 'compose', 'lint', 'kit', 'suite', 'rungs'],
  agents: ['model', 'text', 'tools', 'view', 'session', 'calibration', 'scripted'],
  loop: ['decide', 'hands', '.'],
  operator: ['terminal', 'project', 'workspace', 'show', 'acts', 'audit', 'runs', 'setup'],
};
const filesMax = 30;

/** Rooms that are pure whole: nothing of the world is named there, and values come from pure files alone. */
const pureRooms = [
  'state/entry',
  'state/fold',
  'state/controls',
  'state/gate',
  'state/plain',
  'loop/decide',
  'runner/swarm/lint',
  'agents/text',
];
/** Pure files of other rooms. */
const pureFiles = [
  'agents/model/backend.ts',
  'agents/model/classify.ts',
  'agents/model/errors.ts',
  'agents/tools/host.ts',
  'agents/session/limits.ts',
  'agents/tools/logText.ts',
  'agents/model/meter.ts',
  'agents/scripted/play.ts',
  'agents/view/projection.ts',
  'agents/model/retry.ts',
  'agents/scripted/script.ts',
  'agents/model/spend.ts',
  'agents/session/talk.ts',
  'agents/model/usage.ts',
  'agents/view/view.ts',
  'agents/scripted/wire.ts',
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
  'runner/swarm/app/refused.ts',
  'runner/swarm/compose/release.ts',
  'runner/swarm/leak/scan.ts',
  'runner/swarm/engine/vaultScripts.ts',
  'state/keys/authority.ts',
  'state/trail/commitRule.ts',
  'state/work/parts.ts',
  'state/keys/dsse.ts',
  'state/plan/plan.ts',
  'state/plan/check.ts',
  'state/plan/draft.ts',
  'state/plan/front.ts',
  'state/plan/items.ts',
  'state/plan/text.ts',
  'state/keys/signers.ts',
  'state/keys/sshsig.ts',
  'state/audit/statement.ts',
  'state/plan/yaml.ts',
];
const isPure = (path: string): boolean =>
  pureFiles.includes(path) || pureRooms.some((room) => path.startsWith(`${room}/`));

/** What a pure file takes from one that is not: a constant, or a function that touches nothing. */
const borrowed: Record<string, string> = {
  'state/keys/sshsig.ts': 'state/keys/importedKeys.ts',
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
  'string-width': ['operator'],
  'tar-stream': ['runner'],
  vitest: ['runner'],
  'wrap-ansi': ['operator'],
  yaml: ['state', 'runner', 'operator'],
  zod: ['state', 'runner', 'agents', 'operator'],
};

/** Programs of their own: git runs the hook, and a box runs what has to be done inside it. */
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

/** Each is tried by a test that needs the file it finds. */
const metaUses = [
  'agents/calibration/set.ts',
  'agents/view/prompt.ts',
  'operator/audit/export.ts',
  'operator/setup/story.ts',
  'runner/box/etc.ts',
  'runner/engines.ts',
  'runner/inside/probe.ts',
  'runner/swarm/kit/resolve.ts',
  'runner/swarm/kit/vitest.config.ts',
  'runner/swarm/suite/suite.ts',
  'state/audit/mark.ts',
  'state/trail/hook.ts',
  'state/trail/hub.ts',
];

const sources = sourcesOf(['agents', 'loop', 'operator', 'runner', 'state'], ['cli.ts']);
const pureSources = sources.filter(({ path }) => isPure(path));

function filesWith(pattern: RegExp, allowed: string[]): string[] {
  return sources.filter(({ path, code }) => !allowed.includes(path) && pattern.test(code)).map(({ path }) => path);
}

describe('the house', () => {
  it('imports only downwards, from room to room, types included', () => {
    expect(unlisted(sources, rooms)).toEqual([]);
    expect(upwards(sources, rooms)).toEqual([]);
    const planted = sourceOf('state/entry/ids.ts', "import type { Phase } from '../gate/gate.ts';");
    expect(upwards([planted], rooms)).toEqual(['state/entry/ids.ts imports state/gate/gate.ts']);
    expect(upwards([sourceOf('runner/run/x.ts', "import { y } from '../engines.ts';")], rooms)).toHaveLength(1);
    expect(upwards([sourceOf('loop/hands/x.ts', "import { y } from '../../cli.ts';")], rooms)).toHaveLength(1);
  });

  it('has no circle of imports, types included', () => {
    expect(circles(sources)).toEqual([]);
    const planted = [
      sourceOf('state/fold/a.ts', "import type { B } from './b.ts';"),
      sourceOf('state/fold/b.ts', "import type { A } from './a.ts';"),
    ];
    expect(circles(planted)).toEqual(['state/fold/a.ts → state/fold/b.ts → state/fold/a.ts']);
  });

  it('gives each exported name one home', () => {
    expect(secondHomes(sources)).toEqual([]);
    const planted = [
      sourceOf('state/fold/a.ts', 'export type Place = string;'),
      sourceOf('runner/run/b.ts', 'export const Place = 1;'),
    ];
    expect(secondHomes(planted)).toEqual(['Place: state/fold/a.ts, runner/run/b.ts']);
  });

  it('names no path that is not there, in documents, mutants and comments', () => {
    const documents = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md', ...filesBelow('docs', '.md')];
    const tests = filesBelow('tests', '.ts').filter((path) => !path.startsWith('tests/fixtures/'));
    const read = (path: string) => readFileSync(join(top, path), 'utf8');
    const texts = [
      ...[...documents, 'tests/attacks/README.md', 'recipes/README.md'].map((path) => ({ path, text: read(path) })),
      ...[...sources.map(({ path }) => path), ...tests].map((path) => ({ path, text: commentsOf(read(path)) })),
    ];
    const named = texts.flatMap(({ path, text }) => pathsIn(text).map((other) => ({ path, other })));
    const rules = mutants.map(({ file }) => ({ path: 'tests/attacks/mutants/', other: file }));
    expect([...named, ...rules].filter(({ other }) => !existsSync(join(top, other)))).toEqual([]);
    expect(pathsIn('See `state/nowhere.ts`, and docs/adr/0001-x.md.')).toEqual([
      'state/nowhere.ts',
      'docs/adr/0001-x.md',
    ]);
  });

  it(`has no folder of more than ${filesMax} files`, () => {
    const folders = ['agents', 'bench', 'docs', 'loop', 'operator', 'prompts', 'runner', 'state', 'tests'];
    const all = folders.flatMap((folder) => filesBelow(folder, ''));
    const counts = Map.groupBy(
      all.filter((path) => path.includes('.')),
      (path) => path.slice(0, path.lastIndexOf('/')),
    );
    expect([...counts].filter(([, paths]) => paths.length > filesMax).map(([folder]) => folder)).toEqual([]);
  });

  it('spreads nothing only to pack lines', () => {
    const all = [...sources, ...sourcesOf(['tests', 'bench'], []).filter(({ path }) => !path.includes('/fixtures/'))];
    expect(all.flatMap(packingSpreads)).toEqual([]);
    expect(
      packingSpreads(sourceOf('a.ts', 'f({ ...{ a, b }, ...(c && { d }), e: [...[g], ...h, ...[i].map(j)] });')),
    ).toEqual(['a.ts: ...{ a, b }, ...(c && { d }), e: [...[g]', expect.stringMatching(/^a\.ts: \.\.\.\[g\]/)]);
  });

  it('keeps pure rooms and files free of clock, disk, process, random and await', () => {
    expect(pureFiles.filter((path) => !pureSources.some((source) => source.path === path))).toEqual([]);
    const broken = pureSources.flatMap(({ path, code }) =>
      impure.filter((pattern) => pattern.test(code)).map((pattern) => `${path} has ${pattern}`),
    );
    expect(broken).toEqual([]);
  });

  it('lets pure files take values from pure files alone, but for those that are named', () => {
    const taken = pureSources.flatMap(({ path, imports }) =>
      imports.flatMap(({ to, isType }) => (to !== null && !isType && !isPure(to) ? [[path, to]] : [])),
    );
    expect(Object.fromEntries(taken)).toEqual(borrowed);
  });

  it('lists every file as pure that says so in its first lines', () => {
    const says = sources.filter(({ head }) => /\bpure[.:;,]/i.test(head)).map(({ path }) => path);
    expect(says.filter((path) => !isPure(path))).toEqual([]);
    expect(says).toContain('loop/decide/decide.ts');
  });

  it('keeps no state in the modules of pure files', () => {
    const kept = pureSources.filter(({ code }) =>
      /^(let\b|const \w+(: [^=]+)? = new (Map|Set|WeakMap)\b[^(\n]*\(\))/m.test(code),
    );
    expect(kept.map(({ path }) => path)).toEqual([]);
  });

  it('finds its own files wherever they lie: each use of `import.meta` is known', () => {
    const uses = sources.filter(({ code }) => /import\.meta/.test(code)).map(({ path }) => path);
    expect(uses.sort()).toEqual(metaUses);
  });

  it('lets each outside package be imported by its own rooms, and has none that nobody imports', () => {
    const outside = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ name, isType }) => !isType && !name.startsWith('.') && !name.startsWith('node:'))
        .map(({ name }) => ({
          path,
          room: path.split('/')[0] as string,
          pack: /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] as string,
        })),
    );
    expect(outside.filter(({ pack, room }) => !owners[pack]?.includes(room))).toEqual([]);
    const { dependencies } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
    expect([...new Set(outside.map(({ pack }) => pack))].sort()).toEqual(Object.keys(owners).sort());
    expect(Object.keys(dependencies).sort()).toEqual(Object.keys(owners).sort());
  });

  it('starts git in one place, and makes ordinary repositories in another', () => {
    expect(filesWith(/'node:child_process'[\s\S]*[[(]'git',/, ['state/git/process.ts'])).toEqual([]);
    expect(filesWith(/from 'simple-git'/, ['state/git/checkout.ts'])).toEqual([]);
  });

  it('reads the environment in cli.ts alone, and arguments only where a program of its own begins', () => {
    expect(filesWith(/\bprocess\.env\b/, ['cli.ts'])).toEqual([]);
    expect(filesWith(/\bprocess\.argv\b/, programs)).toEqual([]);
  });
});
