// A phase whose gate runs an app, from its plan to DONE, on a real Swarm with scripted agents. It is the story of the
// practice's first REVIEW log; here, code finds the shallow test before the Adversary wakes.

import { beforeAll, expect, test } from 'vitest';
import { buildImages } from '../../recipes/images/build.ts';
import { describeSwarm, engineSocket } from '../support/app/engine.ts';
import { layMailPhase, mailScript } from '../support/app/mailPhase.ts';
import { auditOf, type Played, play } from '../support/phase/live.ts';

const playMs = 1_500_000;

describeSwarm('a phase of the recipe mail', () => {
  beforeAll(() => buildImages(['mail'], { socket: engineSocket() }), playMs);

  test(
    'tells the Builder which volume was lost, is judged only after the fix, and ends DONE',
    async () => {
      const ground = await layMailPhase(engineSocket());
      const played = await play(ground, mailScript());
      expect(played.end).toMatchObject({ exit: 0, status: 'done', branch: 'phase/mail-backup' });

      const [first, second, done] = played.of('claim');
      expect([first, second, done].map((claim) => claim?.facts.gate)).toEqual(['M1', 'M1', 'DONE']);
      expect(controlsOf(played, first?.id)).toEqual({ 'omit-volume': ['VACUOUS'] });
      expect(whyOf(played, first?.id)).toMatch(/stays green with the volume "mail" left out of the restore/);
      expect(controlsOf(played, second?.id)).toEqual({ 'omit-volume': ['BITES'], published: ['BITES'] });

      const gates = played.of('run').filter(({ facts }) => facts.purpose.kind === 'gate' && facts.outcome === 'PASS');
      expect(gates.map(({ facts }) => [facts.level, facts.unmet])).toEqual(gates.map(() => [5, []]));
      expect(gates.length).toBeGreaterThanOrEqual(2);
      const woken = played.of('session').flatMap(({ facts }) => (facts.event === 'started' ? facts.reason : []));
      const judged = woken.flatMap((reason) => (reason.kind === 'judge' ? reason.claim : []));
      expect(judged).toEqual([second?.id, done?.id]);
      expect(played.of('verdict').map(({ facts }) => facts.verdict)).toEqual(['PASS', 'PASS']);
      expect(await auditOf(ground.paths)).toMatchObject({ ok: true, problems: [] });
    },
    playMs,
  );
});

/** Returns the results of a claim's controls, by name. */
function controlsOf({ of }: Played, claim: number | undefined): Record<string, string[]> {
  const results: Record<string, string[]> = {};
  for (const { facts } of of('run')) {
    const { purpose, control } = facts;
    if (purpose.kind !== 'control' || purpose.claim !== claim || !control) continue;
    results[purpose.control] = [...(results[purpose.control] ?? []), control.result];
  }
  return results;
}

function whyOf({ of }: Played, claim: number | undefined): string {
  const runs = of('run').filter(({ facts: { purpose } }) => purpose.kind === 'control' && purpose.claim === claim);
  return runs.map(({ facts }) => facts.control?.why ?? '').join('\n');
}
