// An attacker who has every key appends a PASS, although the diff was not served whole.

import { describe, test } from 'vitest';
import { attacked, type Case } from '../../support/trail/attack.ts';
import { refact } from '../../support/trail/forge.ts';

const { the, run } = attacked();
const other = 'a'.repeat(64) as never;

describe('in what a PASS reports as served, an attacker', () => {
  const cases: Case[] = [
    [
      'leaves everything out',
      'pass',
      /a PASS says which diff was served to its session, whole/,
      (steps) => {
        refact(steps, the.story.ids.pass, { served: undefined } as never);
        return undefined;
      },
    ],
    [
      'names another diff',
      'pass',
      /it says that a{64} in 1 part\(s\) was served, but the diff of claim #\d+ is [0-9a-f]{64} in 1 part\(s\)/,
      (steps) => {
        refact(steps, the.story.ids.pass, { served: { diff: other, parts: 1 } });
        return undefined;
      },
    ],
  ];
  test.each(cases)('%s', run);
});
