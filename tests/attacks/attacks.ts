// `npm run attacks`: plays every attack against the real product and prints a table of what refused it. Exits with 1 if
// an attack got through, if a rule other than the intended one refused it, or if an honest twin was refused. With
// `--mutants` it instead switches off one rule at a time and exits with 1 if the rule's case does not turn red; words
// after `--mutants` select the rules whose name contains them.

import { startVitest } from 'vitest/node';
import { mutants } from './mutants/mutants.ts';
import { switchOff } from './mutants/switchOff.ts';
import { table } from './table.ts';

const files = ['theTests', 'environment', 'evidence', 'stateFiles', 'peeking', 'reviewer', 'behaviour'];

const [mode, ...words] = process.argv.slice(2);
if (mode === '--mutants') await withoutRules(words.join(' '));
else {
  // Runs every case, whatever has changed.
  process.env.COLDPASS_WHOLE = 'attacks';
  await startVitest(
    'test',
    files.map((name) => `tests/attacks/cases/${name}.boxed.test.ts`),
    {
      project: 'boxed',
      watch: false,
      run: true,
      reporters: [table()],
    },
  );
}

async function withoutRules(words: string): Promise<void> {
  const chosen = mutants.filter(({ rule }) => rule.includes(words));
  let unseen = 0;
  await switchOff(chosen, ({ mutant, isRed, what }) => {
    if (!isRed) unseen += 1;
    console.log(`${isRed ? 'red ' : 'NOT SEEN'}  ${mutant.rule.padEnd(64)} ${mutant.attack}\n${' '.repeat(10)}${what}`);
  });
  console.log(`${chosen.length} rules switched off, ${chosen.length - unseen} noticed by a case, ${unseen} not`);
  if (unseen > 0) process.exitCode = 1;
}
