// A question is one command that runs instead of the ladder, for example the trigger of a deferral. Its exit code alone
// is the answer. It runs on a fresh clone, as any cold run does.

import { expect, it } from 'vitest';
import type { Outcome } from '../../../state/entry/record.ts';
import { describeBoxed } from '../../support/box.ts';
import { openRuns, project, repoOf, sharedSandbox } from '../../support/recipes.ts';

const sandbox = sharedSandbox();

describeBoxed('a question', () => {
  it.each<[string, Outcome, RegExp]>([
    ['test -e lib/sum.js', 'PASS', /^The command exited with 0\.$/],
    ['test -e lib/product.js', 'FAIL', /^Stage "question" exited with 1\.$/],
    ['exit 7', 'FAIL', /exited with 7/],
    ['no-such-program', 'FAIL', /exited with 127/],
  ])('«%s» has the outcome %s', async (question, outcome, reason) => {
    const { cold } = openRuns(sandbox());
    const record = await cold({ repo: repoOf(project), question });
    expect(record).toMatchObject({ outcome, reason: expect.stringMatching(reason), tests: [] });
    expect(record.stages.map(({ name }) => name)).toEqual(['question']);
  });

  it('runs in the tree as committed, and leaves nothing behind for the next question', async () => {
    const { cold } = openRuns(sandbox());
    const repo = repoOf(project);
    const answers = [];
    for (const question of ['! test -e mark && touch mark', '! test -e mark'])
      answers.push((await cold({ repo, question })).outcome);
    expect(answers).toEqual(['PASS', 'PASS']);
  });
});
