// The demo's first claim of M1, under a plan that declares the control `hollow`. The claim's tests never open a
// message, and code alone names the untested function before the Adversary wakes. The demo's own plan does not declare
// the control, so in the demo the Adversary finds the gap.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../agents/model/clock.ts';
import type { Script } from '../../agents/scripted/script.ts';
import { startScripted } from '../../agents/scripted/scripted.ts';
import { run } from '../../operator/runs/run.ts';
import { layDemo } from '../../operator/setup/demo.ts';
import { demoScript } from '../../operator/setup/story.ts';
import { statePaths } from '../../state/trail/workspace.ts';
import { describeBoxed } from '../support/box.ts';
import { auditOf, entriesOf, groundEnv, liveDir, scriptOf } from '../support/phase/live.ts';

const playMs = 300_000;

describeBoxed("the demo's first claim", () => {
  test(
    'is red by `hollow` alone if the plan declares it; the result names the function that no test needs',
    async () => {
      const dir = liveDir();
      const env = groundEnv(dir);
      const uid = process.getuid?.() ?? -1;
      const ground = await layDemo({
        dir: join(dir, 'demo'),
        env,
        home: dir,
        uid,
        nodePath: process.execPath,
        clock: systemClock(),
      });
      const plan = readFileSync(ground.plan, 'utf8');
      expect(plan.match(/controls: \[revert\]/g)).toHaveLength(2);
      writeFileSync(ground.plan, plan.replace('controls: [revert]', 'controls: [revert, hollow]'));
      const server = await startScripted(firstWakeOnly(demoScript()));
      try {
        const asked = { ...ground.asked, env: { ...ground.asked.env, ...groundEnv(dir, server.url) } };
        const end = await run({ asked, plan: ground.plan, clock: systemClock(), signal: new AbortController().signal });
        expect(end).toMatchObject({ status: 'parked', exit: 3 });
      } finally {
        await server.close();
      }
      const paths = statePaths(join(ground.dir, 'state'));
      const entries = await entriesOf(paths.hub);
      const woken = entries.flatMap((entry) =>
        entry.kind === 'session' && entry.facts.event === 'started' ? entry.facts.for : [],
      );
      expect(new Set(woken)).toEqual(new Set(['builder']));
      const controls = entries.flatMap((entry) =>
        entry.kind === 'run' && entry.facts.control ? [[entry.facts.purpose, entry.facts.control] as const] : [],
      );
      const resultsOf = (name: string) =>
        controls.filter(([purpose]) => 'control' in purpose && purpose.control === name).map(([, control]) => control);
      expect(resultsOf('revert')).toMatchObject([{ result: 'BITES' }]);
      expect(resultsOf('placebo')).toMatchObject([{ result: 'BITES' }]);
      expect(resultsOf('hollow')).toContainEqual({
        result: 'VACUOUS',
        why: expect.stringMatching(/^With writeMessages \(src\/backup\.js:\d+\) emptied every test stays green/),
      });
      expect(await auditOf(paths)).toMatchObject({ ok: true });
    },
    playMs,
  );
});

/** Returns the script with only the first wake: the Builder writes M1 and then waits. */
function firstWakeOnly({ roles }: Script): Script {
  return scriptOf({ builder: roles.builder?.slice(0, 1) ?? [] });
}
