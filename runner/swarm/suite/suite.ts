// A recipe's hooks and tests, each in a box of its own: the run's tree, the folder of the run's socket, our node, our
// node_modules and the kit read-only. No network, no engine, no keys. How they end, and what their reports say, is testimony.

import { realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../../state/entry/digest.ts';
import type { AppRecipe } from '../../../state/entry/recipe.ts';
import { isCheck } from '../../../state/entry/record.ts';
import { RunnerError } from '../../box/errors.ts';
import type { BoxCommand, Mount, Sandbox } from '../../box/sandbox.ts';
import type { StepEnd } from '../../run/engine.ts';
import type { StageReport } from '../../run/outcome.ts';
import { type ReportReading, readReport, reportBytesMax } from '../../run/report.ts';
import { type RunningStep, startCommand } from '../../run/step.ts';
import { readInTree } from '../../run/tree.ts';
import { outFolder, pictureName, picturesMax } from '../kit/pictures.ts';

export type SuiteOptions = {
  sandbox: Sandbox;
  /** The run's tree, given to the role `verify`; links resolved. */
  tree: string;
  /** An empty folder of the same role, for reports; links resolved. The tree itself is read-only: a hook cannot change what is tested next. */
  out: string;
  /** Where `openContext` listens, for the same owner. */
  contextDir: string;
  recipe: AppRecipe;
  /** Coldpass's own node_modules; links resolved. */
  modules: string;
};

/** Functions that `ops.ts` may export. */
export type HookName = 'postInstall' | 'preUpgrade' | 'preBackup' | 'preRestore';

/** `pictures`: PNG files of pages, where the recipe has a browser; untrusted like the report. */
export type SuiteEnd = { end: StepEnd; report: StageReport; pictures: Buffer[] };

/** One at a time. They reject with RunnerError where no box can be asked for. */
export interface Suite {
  /** Exit 0 also where `ops.ts`, or this hook in it, is absent; its output says which. */
  hook(name: HookName, signal: AbortSignal): Promise<StepEnd>;
  /**
   * Runs these files, paths in the tree, in one vitest. `lost` also where one of them has no test in the report. Ids are
   * `tests/restore.test.ts > restore > mail message`, the same for what is run again.
   */
  tests(files: string[], stage: string, signal: AbortSignal): Promise<SuiteEnd>;
  /** Any command, as `sh -c` has it, with Coldpass's own node and vitest on its path. */
  command(command: string, seconds: number, signal: AbortSignal): Promise<StepEnd>;
  /** Ends what runs; what would not end, in words. */
  close(): Promise<string[]>;
}

/** Where the kit lies in the box. Not under node_modules, where node refuses to strip types. */
const kitFolder = '/coldpass';
const report = 'junit.xml';
const stopMs = 15_000;
const pictureBytesMax = 4 * 1024 * 1024;
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function openSuite({ sandbox, tree, out, contextDir, recipe, modules }: SuiteOptions): Suite {
  if (sandbox.level === 'none') throw new RunnerError('no-sandbox', 'hooks and tests of an app need a real sandbox');
  const mounts: Mount[] = [
    { source: tree, target: '/tree', mode: 'ro' },
    { source: out, target: outFolder, mode: 'rw' },
    { source: contextDir, target: '/app-context', mode: 'ro' },
    { source: modules, target: '/node_modules', mode: 'ro' },
    { source: realpathSync(fileURLToPath(new URL('../kit', import.meta.url))), target: kitFolder, mode: 'ro' },
  ];
  // For whoever reads there, that folder is the tree.
  const outAsTree = { sandbox, mounts: [{ source: out, target: '/tree', mode: 'rw' }] satisfies Mount[] };
  const running = new Set<RunningStep>();
  /** Told where a hook was not there: no box is made for another. That is the recipe's own word, and costs it its own hook. */
  let hooksSaid: string[] | null = null;

  async function run(args: string[], signal: AbortSignal, seconds = recipe.seconds.tests): Promise<StepEnd> {
    const step = await startCommand(sandbox, commandOf(args, seconds), signal);
    running.add(step);
    return step.done.finally(() => running.delete(step));
  }

  function commandOf(args: string[], seconds: number): BoxCommand {
    return {
      role: 'verify',
      argv: ['/bin/sh', '-c', wrapper, 'sh', `${outFolder}/${report}`, ...args],
      workdir: '/tree',
      mounts,
      env: { CI: 'true', NO_COLOR: '1' },
      tools: [],
      hosts: [],
      limits: { ...recipe.limits, seconds },
      kit: true,
    };
  }

  async function reportOf(end: StepEnd, files: string[], stage: string): Promise<StageReport> {
    if (!end.started || end.timedOut) return { kind: 'lost', why: 'the tests did not come to their end' };
    const file = await readInTree(outAsTree, report, reportBytesMax);
    if (!file.ok) return { kind: 'lost', why: `the report ${file.why}` };
    if (file.cut) return { kind: 'lost', why: `the report is larger than ${reportBytesMax / 1024 / 1024} MB` };
    return counted(readReport(file.bytes, stage, '/tree'), files);
  }

  async function picturesIn(): Promise<Buffer[]> {
    const pictures: Buffer[] = [];
    for (let n = 1; n <= picturesMax; n += 1) {
      const file = await readInTree(outAsTree, pictureName(n), pictureBytesMax);
      if (!file.ok) break;
      if (!file.cut && file.bytes.subarray(0, png.length).equals(png)) pictures.push(file.bytes);
    }
    return pictures;
  }

  async function hook(name: HookName, signal: AbortSignal): Promise<StepEnd> {
    const ops = join('/tree', recipe.suite, 'ops.ts');
    if (hooksSaid?.includes(name) === false) return nothingDone(`no ${name} in ${ops}\n`);
    const end = await run([sandbox.kit.node, kitFile('hook'), ops, name], signal);
    hooksSaid ??= /^no \w+ in \S+, which has (.*)$/m.exec(end.output.head)?.[1]?.split(', ') ?? null;
    return end;
  }

  return {
    hook,
    async tests(files, stage, signal) {
      const end = await run([sandbox.kit.node, kitFile('tests'), `${outFolder}/${report}`, ...files], signal);
      return { end, report: await reportOf(end, files, stage), pictures: recipe.browser ? await picturesIn() : [] };
    },
    command: (command, seconds, signal) =>
      run(['/bin/sh', '-c', `PATH=${toolPath(sandbox)}:$PATH; ${command}`], signal, seconds),
    async close() {
      const left = await Promise.all([...running].map((step) => step.end(stopMs)));
      return left.filter((why) => why !== null);
    },
  };
}

function nothingDone(head: string): StepEnd {
  return {
    ...{ started: true, exit: 0, signal: null, timedOut: false, outOfMemory: false, ms: 0, troubles: [] },
    output: { head, tail: '', bytes: Buffer.byteLength(head), digest: digestOf(head) },
  };
}

/** What may be counted of a report: one that claims the harness's own checks, or leaves a file out, is none. */
function counted(reading: ReportReading, files: string[]): StageReport {
  if ('unreadable' in reading) return { kind: 'lost', why: `the report: ${reading.unreadable}` };
  const { tests } = reading;
  const forged = tests.find(isCheck);
  if (forged) return { kind: 'lost', why: `it lists ${forged.id.slice(0, 80)}, which is a check of the harness` };
  const silent = files.find((each) => !tests.some(({ id }) => id === each || id.startsWith(`${each} > `)));
  return silent === undefined
    ? { kind: 'read', tests }
    : { kind: 'lost', why: `no test of ${silent} is in the report` };
}

// Both streams go into one pipe, so that their order is kept; nothing of before, least of all a report, may pass for this one's.
const wrapper = `exec 2>&1
find "$(dirname -- "$1")" -mindepth 1 -delete || exit 1
shift
exec "$@"`;

function toolPath(sandbox: Sandbox): string {
  return `${dirname(sandbox.kit.node)}:/node_modules/.bin`;
}

/** TypeScript here, JavaScript where the package was emitted. */
function kitFile(name: string): string {
  return `${kitFolder}/${name}${extname(import.meta.url)}`;
}
