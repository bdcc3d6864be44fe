// Runs the cases of a family as tests, named by their titles, in one folder that is removed after the last case. Each
// test stores what refused its case, for the table of `npm run attacks`.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { describeBoxed } from '../support/box.ts';
import { isWhole } from '../support/long.ts';
import { letGo } from './arena/shared.ts';
import { type Attack, attack, type Family, honest, Red, type Refusal } from './case.ts';
import { mutants } from './mutants/mutants.ts';

/** What a test stores for the table. */
export type CaseMeta = { family: string; rows: string; twin: boolean; refusal: Refusal | null; red?: Red['kind'] };

declare module 'vitest' {
  interface TaskMeta {
    told?: CaseMeta;
  }
}

/** Ends a case that hangs. On a busy machine a case takes ten times as long as on an idle one. */
const caseMs = 300_000;

/** Titles of cases that must turn red if a rule is switched off. */
const guards = new Set(mutants.map(({ attack: title }) => title));

/** False for a case that plays a phase and guards no rule: it runs only if the attacks run whole. */
function isAtEveryRun({ title, playsPhase }: Attack): boolean {
  return !playsPhase || guards.has(title);
}

/**
 * Plays a case once more if a rule other than the intended one refused it, but not if it got through. Two rules that
 * would both refuse it may need runs that take place at the same time; the run that ends first then cancels the other.
 */
function again(error: unknown, one: Attack, dir: string): Promise<Refusal> {
  if (error instanceof Red && error.kind === 'another rule') return attack(one, dir);
  throw error;
}

export function suite({ letter, name, attacks, twins }: Family): void {
  const family = `${letter}. ${name}`;
  describeBoxed(family, () => {
    let dir: string;
    beforeAll(() => {
      dir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-attack-')));
    });
    afterAll(async () => {
      await letGo(dir);
      rmSync(dir, { recursive: true, force: true });
    });

    for (const one of attacks.filter((each) => isWhole('attacks') || isAtEveryRun(each))) {
      test(`refuses: ${one.title}`, { timeout: caseMs }, async ({ task }) => {
        const told: CaseMeta = { family, rows: one.rows, twin: false, refusal: null };
        task.meta.told = told;
        try {
          told.refusal = await attack(one, dir).catch((error) => again(error, one, dir));
        } catch (error) {
          if (error instanceof Red) told.red = error.kind;
          throw error;
        }
      });
    }
    for (const one of twins) {
      test(`lets pass: ${one.title}`, { timeout: caseMs }, async ({ task }) => {
        task.meta.told = { family, rows: '', twin: true, refusal: null };
        await honest(one, dir);
      });
    }
  });
}
