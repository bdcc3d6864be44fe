// A family as tests: each case by its title, in a folder that goes when the last is through. What refused it is left with the
// test, for the table that `npm run attacks` prints.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { describeBoxed } from '../support/box.ts';
import { isWhole } from '../support/long.ts';
import { letGo } from './arena/shared.ts';
import { type Attack, attack, type Family, honest, Red, type Refusal } from './case.ts';
import { mutants } from './mutants/mutants.ts';

/** What a case leaves for the table. */
export type Told = { family: string; rows: string; twin: boolean; refusal: Refusal | null; red?: Red['kind'] };

declare module 'vitest' {
  interface TaskMeta {
    told?: Told;
  }
}

/** Ends what hangs; on a machine that others use a case takes ten times as long as on an idle one. */
const caseMs = 300_000;

/** Cases that must turn red when a rule is switched off. */
const guards = new Set(mutants.map(({ attack: title }) => title));

/** A case that plays a phase and guards no rule of its own waits for a whole run. */
function isAtEveryRun({ title, playsPhase }: Attack): boolean {
  return !playsPhase || guards.has(title);
}

/**
 * Two rules may both be against a case, by runs that go on at once: the one whose run ends first speaks, and the other's run is
 * cancelled. So a case that another rule refused is played once more; one that got through is not.
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
        const told: Told = { family, rows: one.rows, twin: false, refusal: null };
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
