// The rules of ARCHITECTURE.md that a program can check: imports lead down from room to room and form no circle, pure
// files touch nothing outside, each name is exported by only one file, each package is imported only by its owners, git
// is started by only one file, and the environment is read only by `cli.ts`. The tables are data; a test that fails
// names the file that breaks the rule.

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

/**
 * The rooms of each folder, lowest first: a room may import itself and the rooms before it. `.`: files directly in the
 * folder.
 */
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

/**
 * Rooms whose files are all pure: they use no clock, file, process or randomness, and import values only from pure
 * files.
 */
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
/** Pure files in other rooms. */
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

/**
 * The exceptions: each pure file here imports values from the impure file beside it. These values may only be
 * constants, or functions without side effects.
 */
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

/**
 * Files that run as programs and so may read `process.argv`; git starts the hook, and a box starts what runs inside it.
 */
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

/** Files that use `import.meta` to locate another file. For each, some test fails if the other file is missing. */
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

describe('the source tree', () => {
  it('imports only downwards, from room to room, types included', () => {
    expect(unlisted(sources, rooms)).toEqual([]);
    expect(upwards(sources, rooms)).toEqual([]);
    const planted = sourceOf('state/entry/ids.ts', "import type { Phase } from '../gate/gate.ts';");
    expect(upwards([planted], rooms)).toEqual(['state/entry/ids.ts imports state/gate/gate.ts']);
    expect(upwards([sourceOf('runner/run/x.ts', "import { y } from '../engines.ts';")], rooms)).toHaveLength(1);
    expect(upwards([sourceOf('loop/hands/x.ts', "import { y } from '../../cli.ts';")], rooms)).toHaveLength(1);
  });

  it('contains no circle of imports, types included', () => {
    expect(circles(sources)).toEqual([]);
    const planted = [
      sourceOf('state/fold/a.ts', "import type { B } from './b.ts';"),
      sourceOf('state/fold/b.ts', "import type { A } from './a.ts';"),
    ];
    expect(circles(planted)).toEqual(['state/fold/a.ts → state/fold/b.ts → state/fold/a.ts']);
  });

  it('exports each name from one file only', () => {
    expect(secondHomes(sources)).toEqual([]);
    const planted = [
      sourceOf('state/fold/a.ts', 'export type Place = string;'),
      sourceOf('runner/run/b.ts', 'export const Place = 1;'),
    ];
    expect(secondHomes(planted)).toEqual(['Place: state/fold/a.ts, runner/run/b.ts']);
  });

  it('names only paths that exist, in documents, mutants and comments', () => {
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

  it(`has no folder with more than ${filesMax} files`, () => {
    const folders = ['agents', 'bench', 'docs', 'loop', 'operator', 'prompts', 'runner', 'state', 'tests'];
    const all = folders.flatMap((folder) => filesBelow(folder, ''));
    const counts = Map.groupBy(
      all.filter((path) => path.includes('.')),
      (path) => path.slice(0, path.lastIndexOf('/')),
    );
    expect([...counts].filter(([, paths]) => paths.length > filesMax).map(([folder]) => folder)).toEqual([]);
  });

  it('spreads no literal just to fit more on a line', () => {
    const all = [...sources, ...sourcesOf(['tests', 'bench'], []).filter(({ path }) => !path.includes('/fixtures/'))];
    expect(all.flatMap(packingSpreads)).toEqual([]);
    expect(
      packingSpreads(sourceOf('a.ts', 'f({ ...{ a, b }, ...(c && { d }), e: [...[g], ...h, ...[i].map(j)] });')),
    ).toEqual(['a.ts: ...{ a, b }, ...(c && { d }), e: [...[g]', expect.stringMatching(/^a\.ts: \.\.\.\[g\]/)]);
  });

  it('keeps pure rooms and files free of clock, disk, process, randomness and await', () => {
    expect(pureFiles.filter((path) => !pureSources.some((source) => source.path === path))).toEqual([]);
    const broken = pureSources.flatMap(({ path, code }) =>
      impure.filter((pattern) => pattern.test(code)).map((pattern) => `${path} has ${pattern}`),
    );
    expect(broken).toEqual([]);
  });

  it('lets pure files import values only from pure files, with the listed exceptions', () => {
    const taken = pureSources.flatMap(({ path, imports }) =>
      imports.flatMap(({ to, isType }) => (to !== null && !isType && !isPure(to) ? [[path, to]] : [])),
    );
    expect(Object.fromEntries(taken)).toEqual(borrowed);
  });

  it('lists as pure every file whose first lines say that it is', () => {
    const says = sources.filter(({ head }) => /\bpure[.:;,]/i.test(head)).map(({ path }) => path);
    expect(says.filter((path) => !isPure(path))).toEqual([]);
    expect(says).toContain('loop/decide/decide.ts');
  });

  it('keeps no state at the top level of pure files', () => {
    const kept = pureSources.filter(({ code }) =>
      /^(let\b|const \w+(: [^=]+)? = new (Map|Set|WeakMap)\b[^(\n]*\(\))/m.test(code),
    );
    expect(kept.map(({ path }) => path)).toEqual([]);
  });

  it('uses `import.meta` only in the listed files', () => {
    const uses = sources.filter(({ code }) => /import\.meta/.test(code)).map(({ path }) => path);
    expect(uses.sort()).toEqual(metaUses);
  });

  it('imports each package only where the table allows it, and depends on none that it does not import', () => {
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

  it('starts git in one file, and imports simple-git in one file', () => {
    expect(filesWith(/'node:child_process'[\s\S]*[[(]'git',/, ['state/git/process.ts'])).toEqual([]);
    expect(filesWith(/from 'simple-git'/, ['state/git/checkout.ts'])).toEqual([]);
  });

  it('reads the environment only in cli.ts, and arguments only in files that run as programs', () => {
    expect(filesWith(/\bprocess\.env\b/, ['cli.ts'])).toEqual([]);
    expect(filesWith(/\bprocess\.argv\b/, programs)).toEqual([]);
  });
});
