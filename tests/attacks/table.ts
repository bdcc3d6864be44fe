// A vitest reporter that prints the table of `npm run attacks`: one line per case, attack → refused by, then the
// counts.

import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { CaseMeta } from './suite.ts';

const titleWidth = 74;
const whyChars = 110;

type Line = { title: string; told: CaseMeta; passed: boolean; why: string };

export function table(): Reporter {
  return {
    onTestModuleEnd(module) {
      const lines = linesOf(module);
      console.log(`\n${lines[0]?.told.family ?? module.relativeModuleId}`);
      for (const line of lines) console.log(row(line));
      if (lines.every(({ passed }) => passed) && !module.ok()) console.log('  the file did not finish');
    },
    onTestRunEnd(modules, errors) {
      const lines = modules.flatMap(linesOf);
      console.log(`\n${counts(lines)}`);
      const isWhole = lines.length > 0 && errors.length === 0 && modules.every((module) => module.ok());
      if (!isWhole) process.exitCode = 1;
    },
  };
}

function linesOf(module: TestModule): Line[] {
  return [...module.children.allTests()].flatMap((test) => {
    const { told } = test.meta();
    if (told === undefined) return [];
    return [
      { title: test.name.replace(/^[^:]+: /, ''), told, passed: test.result().state === 'passed', why: whyOf(test) },
    ];
  });
}

function row({ title, told, passed, why }: Line): string {
  const name = `${told.twin ? 'honest' : told.rows.padEnd(6)}  ${title}`.padEnd(titleWidth);
  if (!passed) return `  ${name}  FAILED: ${why}`;
  if (told.refusal === null) return `  ${name}  passes`;
  const reason = told.refusal.why.replace(/\s+/g, ' ');
  return `  ${name}  → ${told.refusal.by}: ${reason.length > whyChars ? `${reason.slice(0, whyChars)}…` : reason}`;
}

function counts(lines: Line[]): string {
  const attacks = lines.filter(({ told }) => !told.twin);
  const twins = lines.filter(({ told }) => told.twin);
  const failed = (of: Line[]) => of.filter(({ passed }) => !passed).length;
  const through = attacks.filter(({ told }) => told.red === 'through').length;
  const other = failed(attacks) - through;
  const besides = other > 0 ? `, ${other} refused by a rule other than the one meant` : '';
  return `${attacks.length} attacks, ${through} false DONE${besides}, ${twins.length} honest twins, ${failed(twins)} refused`;
}

function whyOf(test: TestCase): string {
  return test.result().errors?.[0]?.message ?? 'it did not run';
}
