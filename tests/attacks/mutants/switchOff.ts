// Switches rules off, one at a time, in a copy of the sources, since the product has no switch. The copy differs only
// in one text, which must occur exactly once; the case that guards the rule is then played there, in a program, and
// must turn red.

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseResult } from '../one.ts';
import type { Mutant } from './mutant.ts';

const top = join(import.meta.dirname, '..', '..', '..');
const copied = [
  'agents',
  'loop',
  'operator',
  'prompts',
  'runner',
  'state',
  'tests',
  'recipes',
  'cli.ts',
  'package.json',
];
const caseSeconds = 300;
/** Limits the size of a log: a supervisor without one of its rules may loop for ever. */
const fileBytesMax = 512 * 1024 * 1024;

/** `isRed`: the case noticed that the rule was off. False also if the case could not be played. */
export type MutantResult = { mutant: Mutant; isRed: boolean; what: string };

/** Plays the case of each mutant without the mutant's rule, several at a time, and reports each result as it comes. */
export async function switchOff(mutants: Mutant[], tell: (missed: MutantResult) => void): Promise<void> {
  const todo = [...mutants];
  const worker = async () => {
    const copy = copyOfSources();
    try {
      for (let next = todo.shift(); next; next = todo.shift()) tell(await without(copy, next));
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), todo.length) }, worker));
}

/** The text of the file without the rule; throws if the rule's text does not occur in it exactly once. */
export function mutated({ rule, file, find, replace }: Mutant): string {
  const [before, after, ...more] = readFileSync(join(top, file), 'utf8').split(find);
  if (after === undefined || more.length > 0)
    throw new Error(`${rule}: ${file} does not contain this text exactly once: ${find}`);
  return `${before}${replace}${after}`;
}

function copyOfSources(): string {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-without-')));
  for (const name of copied) cpSync(join(top, name), join(copy, name), { recursive: true });
  symlinkSync(join(top, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

async function without(copy: string, mutant: Mutant): Promise<MutantResult> {
  const file = join(copy, mutant.file);
  const whole = readFileSync(file);
  writeFileSync(file, mutated(mutant));
  try {
    const { red, what } = await play(copy, mutant.attack);
    return { mutant, isRed: red === 'through' || red === 'another rule', what };
  } catch (error) {
    return { mutant, isRed: false, what: `it could not be played: ${(error as Error).message}` };
  } finally {
    writeFileSync(file, whole);
  }
}

function play(copy: string, title: string): Promise<CaseResult> {
  const program = ['prlimit', `--fsize=${fileBytesMax}`, process.execPath, join(copy, 'tests/attacks/one.ts'), title];
  const child = spawn('timeout', ['-s', 'KILL', `${caseSeconds}`, ...program], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last) as CaseResult);
      else reject(new Error(`exit ${code}: ${err.trim().slice(-400)}`));
    });
  });
}
