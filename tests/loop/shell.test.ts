import { expect, it } from 'vitest';
import { type Hands, startShell } from '../../loop/shell.ts';
import type { Digest, EntryId, PhaseId, Sha } from '../../state/entry/ids.ts';
import { emptyTrail } from '../../state/entry/phase.ts';

const queued = {
  id: 1 as EntryId,
  phase: 'p' as PhaseId,
  plan: '0'.repeat(64) as Digest,
  recipes: {},
  apps: [],
  baseSha: '1'.repeat(40) as Sha,
  holdout: null,
};

it('if a hand appends no entry and gets the same command again, the shell fails instead of looping', async () => {
  let opened = 0;
  const hands = {
    open: async () => {
      opened += 1;
    },
  } as unknown as Hands;
  const trail = { state: { ...emptyTrail, lastId: 1, queue: [queued] }, onAppended: () => () => {} };
  const shell = startShell({ trail, hands, nowMs: () => 0 });
  await expect(shell.quiet).rejects.toThrow('open:1 was answered without an entry, and is commanded again');
  expect(opened).toBe(1);
});
