// The suite's last words: what was skipped, by name; what was left behind; and one line of figures, which is always the last.
// Something left behind counts as one failure. In CI a skip fails too, since nobody would see that a machine lacks what it
// needs; but for the few that depend on what no package brings, which are named and counted there as everywhere.

import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { leftovers } from './leftovers.ts';

/** Texts outside the repository, a kernel's kind of cgroups, a clone in a folder that only its owner reaches. */
const mayLack = [
  /skipped where its seed is absent/,
  /takes too much memory in many processes/,
  /a supervisor that is not root, as uid shared/,
];

type Options = { isCi: boolean /** Where to write the line of figures as well. */; file: string | undefined };
type Figures = { passed: number; failed: number; skipped: string[] };

/** A vitest reporter, to stand after the one that tells of the tests. */
export function figures({ isCi, file }: Options): Reporter {
  return {
    onTestRunEnd: async (modules, errors) => {
      const left = await leftovers();
      const { passed, failed, skipped } = count(modules);
      const bad = failed + errors.length + (left.length > 0 ? 1 : 0);
      const line = `${passed} passed, ${bad} failed, ${skipped.length} skipped`;
      const missed = isCi ? skipped.filter((name) => !mayLack.some((known) => known.test(name))) : [];
      if (bad > 0 || missed.length > 0) process.exitCode = 1;
      if (file) writeFileSync(file, `${line}\n`);
      console.log(
        [
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

/** A file that could not be loaded, or whose hooks failed, is one failure even where none of its tests is. */
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

/** A line for each suite: a whole file that was filtered out is one line, not fifty. */
function bySuite(names: string[]): string[] {
  const suites = Map.groupBy(names, (name) => (name.includes(' > ') ? name.slice(0, name.lastIndexOf(' > ')) : name));
  return [...suites].map(([suite, tests]) =>
    tests.length === 1 ? (tests[0] as string) : `${suite} (${tests.length})`,
  );
}

function titled(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}
