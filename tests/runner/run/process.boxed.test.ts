import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunId } from '../../../state/entry/ids.ts';
import { describeBoxed, openUnboxed } from '../../support/box.ts';
import { nodeTest, openRuns, project, recipeOf, repoOf, sharedSandbox } from '../../support/recipes.ts';
import { engineContract, type Opened } from './engine.contract.ts';

const sandbox = sharedSandbox();

function opened(runs: ReturnType<typeof openRuns>): Opened {
  return { engine: runs.engine, leftOf: (run) => leftOf(runs.runsDir, run) };
}

function leftOf(runsDir: string, run: RunId): string[] {
  return readdirSync(runsDir).includes(run) ? readdirSync(join(runsDir, run)) : [];
}

describeBoxed('the process engine, in boxes,', () => engineContract(() => opened(openRuns(sandbox()))));

describe('the process engine, without boxes,', () => {
  engineContract(() => opened(openRuns(openUnboxed().sandbox)));

  it('reports as a leak any process that outlives its step', async () => {
    const { cold } = openRuns(openUnboxed().sandbox);
    const stage = { ...nodeTest, run: 'setsid sleep 4 & sleep 0.5' };
    const record = await cold({ repo: repoOf(project), recipe: recipeOf({ stages: [stage] }) });
    expect(record).toMatchObject({ outcome: 'LEAK', flags: { clean_teardown: false } });
    expect(record.reason).toContain('a process outlived it and keeps its output open');
  });
});
