// Prints the end of the suite's report: the slowest files, what ran in part, what was skipped, what was left behind,
// and always, as the last line, the figures. Anything left behind counts as one failure, and so do titles that are too
// long. In CI a skipped test fails the run as well, since otherwise nobody would notice that the machine lacks what the
// test needs. The few tests in `mayLack` need something that no package provides: they are listed and counted, but do
// not fail the run.

import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import type { Part } from '../support/long.ts';
import { leftovers } from './leftovers.ts';
import { changedParts, parts, recordWhole } from './parts.ts';

const slowest = 20;
const titleCharsMax = 200;
const partNames = Object.keys(parts) as Part[];

/**
 * Tests that CI may skip: they need texts outside the repository, a kind of cgroups, or a clone that other users can
 * reach.
 */
const mayLack = [
  /skipped where its seed is absent/,
  /takes too much memory in many processes/,
  /a supervisor that is not root, as uid shared/,
];

type Options = { isCi: boolean /** File that also gets the line of figures. */; file: string | undefined };
type Figures = { passed: number; failed: number; skipped: string[] };

/** A vitest reporter, to be listed after the one that reports the tests. */
export function figures({ isCi, file }: Options): Reporter {
  return {
    onTestRunEnd: async (modules, errors) => {
      const left = await leftovers();
      const { passed, failed, skipped } = count(modules);
      const long = longTitles(modules);
      const bad = failed + errors.length + Math.min(left.length, 1) + Math.min(long.length, 1);
      const line = `${passed} passed, ${bad} failed, ${skipped.length} skipped`;
      const missed = isCi ? skipped.filter((name) => !mayLack.some((known) => known.test(name))) : [];
      if (bad > 0 || missed.length > 0) process.exitCode = 1;
      if (file) writeFileSync(file, `${line}\n`);
      if (bad === 0) recordWhole(wholeParts(modules));
      console.log(
        [
          ...titled(`The ${slowest} slowest files:`, slowestOf(modules)),
          ...titled('Run in part (npm run long runs the whole):', partsOf(modules)),
          ...titled('Titles that are too long:', long),
          ...titled('Skipped:', bySuite(skipped)),
          ...titled('CI must not skip these, so it fails:', bySuite(missed)),
          ...titled('Left behind:', left),
          line,
        ].join('\n'),
      );
    },
  };
}

function count(modules: readonly TestModule[]): Figures {
  const each = modules.map(countModule);
  return {
    passed: each.reduce((sum, one) => sum + one.passed, 0),
    failed: each.reduce((sum, one) => sum + one.failed, 0),
    skipped: each.flatMap((one) => one.skipped),
  };
}

/** A file that could not be loaded, or whose hooks failed, is one failure even if none of its tests failed. */
function countModule(module: TestModule): Figures {
  const tests = [...module.children.allTests()].map((test) => ({ name: test.fullName, state: test.result().state }));
  const named = (state: string): string[] => tests.filter((test) => test.state === state).map((test) => test.name);
  const failed = named('failed').length + named('pending').length;
  return {
    passed: named('passed').length,
    failed: failed === 0 && !module.ok() ? 1 : failed,
    skipped: named('skipped').map((name) => `${module.relativeModuleId}: ${name}`),
  };
}

/** Seconds per file, slowest first. */
function slowestOf(modules: readonly TestModule[]): string[] {
  const timed = modules.map((module) => ({ file: module.relativeModuleId, ms: module.diagnostic().duration }));
  const first = timed.toSorted((a, b) => b.ms - a.ms).slice(0, slowest);
  return first.map(({ file, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`);
}

function longTitles(modules: readonly TestModule[]): string[] {
  const names = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.fullName));
  return names.filter((name) => name.length > titleCharsMax).map((name) => `${name.slice(0, titleCharsMax)}…`);
}

function partsOf(modules: readonly TestModule[]): string[] {
  if (isLong(modules)) return [];
  const changed = changedParts();
  const ran = new Set(modules.map((module) => module.relativeModuleId));
  return partNames.filter((part) => !changed.includes(part) && parts[part].files.some((file) => ran.has(file)));
}

/** Parts whose files all ran whole and passed. */
function wholeParts(modules: readonly TestModule[]): Part[] {
  const whole = isLong(modules) ? partNames : changedParts();
  const ran = new Set(modules.filter((module) => module.ok()).map((module) => module.relativeModuleId));
  return whole.filter((part) => [...parts[part].files, ...parts[part].onlyWhole].every((file) => ran.has(file)));
}

function isLong(modules: readonly TestModule[]): boolean {
  return modules.some((module) => module.project.name === 'long');
}

/** One line per suite, so that a file whose tests are all skipped does not take fifty lines. */
function bySuite(names: string[]): string[] {
  const suites = Map.groupBy(names, (name) => (name.includes(' > ') ? name.slice(0, name.lastIndexOf(' > ')) : name));
  return [...suites].map(([suite, tests]) =>
    tests.length === 1 ? (tests[0] as string) : `${suite} (${tests.length})`,
  );
}

function titled(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}
