// Runs a recipe's hooks and tests, each in a new box with the run's tree, the folder of the run's socket, Coldpass's
// Node, its node_modules and the kit, all read-only. No network, no engine, no keys. Exit codes and reports are
// untrusted claims.

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
  /** The run's tree, owned by the role `verify`; links resolved. Read-only, so no hook can change later tests. */
  tree: string;
  /** An empty folder of the same role, for reports; links resolved. */
  out: string;
  /** Where `openContext` listens, for the same owner. */
  contextDir: string;
  recipe: AppRecipe;
  /** Coldpass's node_modules; links resolved. */
  modules: string;
};

/** Functions that `ops.ts` may export. */
export type HookName = 'postInstall' | 'preUpgrade' | 'preBackup' | 'preRestore';

/** `pictures`: screenshots of pages as PNG files, if the recipe has a browser; untrusted, like the report. */
export type SuiteEnd = { end: StepEnd; report: StageReport; pictures: Buffer[] };

/** One call at a time. Calls reject with RunnerError if no box can be started. */
export interface Suite {
  /** Also exits with 0 if `ops.ts` or this hook does not exist; the output says which. */
  hook(name: HookName, signal: AbortSignal): Promise<StepEnd>;
  /**
   * Runs these files (paths in the tree) in one vitest. The report is also `lost` if it has no test of one of the
   * files. Ids are like `tests/restore.test.ts > restore > mail message`, and stay the same in a rerun.
   */
  tests(files: string[], stage: string, signal: AbortSignal): Promise<SuiteEnd>;
  /** Runs any command with `sh -c`, with Coldpass's node and vitest on the PATH. */
  command(command: string, seconds: number, signal: AbortSignal): Promise<StepEnd>;
  /** Ends whatever still runs. Returns a line for each box that could not be ended. */
  close(): Promise<string[]>;
}

/** The kit's path in the box. Not under node_modules, where Node refuses to strip types. */
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
  // The reports folder is mounted as /tree in the box that reads its files.
  const outAsTree = { sandbox, mounts: [{ source: out, target: '/tree', mode: 'rw' }] satisfies Mount[] };
  const running = new Set<RunningStep>();
  /**
   * The hooks that `ops.ts` exports, known once a call of a missing hook has listed them, so that no box is started for
   * other missing hooks. The recipe itself reports this list, so a wrong list only costs the recipe its own hooks.
   */
  let exportedHooks: string[] | null = null;

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
    if (!end.started || end.timedOut) return { kind: 'lost', why: 'the tests did not finish' };
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
    if (exportedHooks?.includes(name) === false) return nothingDone(`no ${name} in ${ops}\n`);
    const end = await run([sandbox.kit.node, kitFile('hook'), ops, name], signal);
    exportedHooks ??= /^no \w+ in \S+, which has (.*)$/m.exec(end.output.head)?.[1]?.split(', ') ?? null;
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
    started: true,
    exit: 0,
    signal: null,
    timedOut: false,
    outOfMemory: false,
    ms: 0,
    troubles: [],
    output: { head, tail: '', bytes: Buffer.byteLength(head), digest: digestOf(head) },
  };
}

/** Counts a report only if it covers every file and does not list checks of the harness. */
function counted(reading: ReportReading, files: string[]): StageReport {
  if ('unreadable' in reading) return { kind: 'lost', why: `the report: ${reading.unreadable}` };
  const { tests } = reading;
  const forged = tests.find(isCheck);
  if (forged)
    return { kind: 'lost', why: `the report lists ${forged.id.slice(0, 80)}, which is a check of the harness` };
  const silent = files.find((each) => !tests.some(({ id }) => id === each || id.startsWith(`${each} > `)));
  return silent === undefined ? { kind: 'read', tests } : { kind: 'lost', why: `the report has no test of ${silent}` };
}

// Sends both streams into one pipe to keep their order, and empties the folder so that no earlier report passes for
// this one.
const wrapper = `exec 2>&1
find "$(dirname -- "$1")" -mindepth 1 -delete || exit 1
shift
exec "$@"`;

function toolPath(sandbox: Sandbox): string {
  return `${dirname(sandbox.kit.node)}:/node_modules/.bin`;
}

/** The kit's files are TypeScript in the repository and JavaScript in the published package. */
function kitFile(name: string): string {
  return `${kitFolder}/${name}${extname(import.meta.url)}`;
}
