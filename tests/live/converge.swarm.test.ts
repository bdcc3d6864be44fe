// Deployments that must fail, on the real Swarm. Each is told apart from a good one, and a line says what to look at.

import { type TestContext, test } from 'vitest';
import { describeSwarm } from '../support/app/engine.ts';
import { admitted, type Parts, type Shape, untilTerm } from '../support/app/smallApp.ts';
import { busybox, swarmGround } from '../support/app/swarm.ts';

/** Allows for a machine that eight suites share; on an idle one, each test takes less than half a minute. */
const testMs = 900_000;
const seconds = 600;

describeSwarm.concurrent('a deployment that fails', () => {
  const image = busybox();

  /** Returns why the deployment failed, or null if it succeeded. */
  async function whyFailed(
    context: TestContext,
    services: Record<string, Shape>,
    within = seconds,
  ): Promise<string | null> {
    const ground = await swarmGround(context);
    const { failed } = await ground.stack.deploy(admitted(ground, services));
    return failed ?? (await ground.stack.converge({ seconds: within, before: null })).failed;
  }

  /** Deploys a good version, then one that never runs, with `action` as Swarm's reaction; returns why it failed. */
  async function whyUpdateFailed(context: TestContext, action: string): Promise<string | null> {
    const ground = await swarmGround(context);
    const version = (command: string) =>
      admitted(ground, {
        app: {
          image,
          command,
          deploy: { update_config: { order: 'stop-first', monitor: '3s', failure_action: action } },
        },
      });
    context.expect(await ground.stack.deploy(version(untilTerm()))).toEqual({ failed: null });
    context
      .expect(await ground.stack.converge({ seconds, before: null }))
      .toEqual({ failed: null, late: false, restarts: 0 });
    const before = await ground.stack.identity();
    context.expect(await ground.stack.deploy(version('echo cannot open the ledger; exit 3'))).toEqual({ failed: null });
    return (await ground.stack.converge({ seconds, before })).failed;
  }

  test(
    'is recognised when it is rolled back',
    async (context) => {
      context
        .expect(await whyUpdateFailed(context, 'rollback'))
        .toMatch(/^service app: its update failed and Swarm rolled it back \(task: non-zero exit \(3\)\)/);
    },
    testMs,
  );

  test(
    'is recognised when it is paused',
    async (context) => {
      context
        .expect(await whyUpdateFailed(context, 'pause'))
        .toMatch(/^service app: its (update failed and Swarm paused it|tasks keep ending).*exit \(3\)/);
    },
    testMs,
  );

  test(
    'is recognised when it crashes in a loop, although its update counts as completed',
    async (context) => {
      context
        .expect(await whyUpdateFailed(context, 'continue'))
        .toMatch(/^service app: its tasks keep ending, 3 so far .*its last log line: cannot open the ledger$/);
    },
    testMs,
  );

  test(
    'is recognised when its task keeps exiting with 0',
    async (context) => {
      const restart_policy = { condition: 'any', delay: '0s' };
      const why = await whyFailed(context, { app: { image, command: 'echo bye', deploy: { restart_policy } } });
      context
        .expect(why)
        .toMatch(/^service app: its tasks keep ending, 3 so far \(complete, exit 0\); its last log line: bye$/);
    },
    testMs,
  );

  test(
    'is recognised when its health check never passes',
    async (context) => {
      const healthcheck = {
        test: ['CMD', 'sh', '-c', 'echo no ledger; exit 1'],
        interval: '1s',
        retries: 2,
        start_period: '0s',
      };
      const why = await whyFailed(context, { app: { image, command: untilTerm(), more: { healthcheck } } });
      context.expect(why).toMatch(/^service app: its tasks keep ending.*; its health check fails: no ledger/);
    },
    testMs,
  );

  test(
    'is recognised when its health check has not passed by the deadline, which is the reason given',
    async (context) => {
      const healthcheck = { test: ['CMD', 'false'], interval: '1s', retries: 100, start_period: '300s' };
      const services = {
        app: { image, command: untilTerm(), more: { healthcheck } },
        other: { image, command: untilTerm() },
      };
      context
        .expect(await whyFailed(context, services, 40))
        .toMatch(/^service app: not up after 40 s: 0\/1 running \(task starting\)/);
    },
    testMs,
  );

  test(
    'is recognised when no node can run its task',
    async (context) => {
      const placement = { constraints: ['node.labels.nowhere==true'] };
      const why = await whyFailed(context, { app: { image, deploy: { placement } } });
      context.expect(why).toMatch(/^service app: no node can run its task \(no suitable node \(scheduling constraints/);
    },
    testMs,
  );

  test(
    'is recognised when its task ended and must not restart',
    async (context) => {
      const why = await whyFailed(context, {
        app: { image, command: 'exit 4', deploy: { restart_policy: { condition: 'none' } } },
      });
      context.expect(why).toMatch(/^service app: its task ended and none replaced it \(task: non-zero exit \(4\)\)/);
    },
    testMs,
  );

  test(
    'is refused before anything is created if its image cannot be found',
    async (context) => {
      const ground = await swarmGround(context);
      const { failed } = await ground.stack.deploy(admitted(ground, { app: { image: 'localhost:1/nothing:1' } }));
      context.expect(failed).toMatch(/^image localhost:1\/nothing:1 is not here and cannot be pulled \(.*refused/);
      context
        .expect(await ground.docker.listNetworks({ filters: { label: [`coldpass.run=${ground.run}`] } }))
        .toEqual([]);
    },
    testMs,
  );

  test(
    "is reported in Swarm's own words if Swarm refuses it",
    async (context) => {
      const parts: Parts = { secrets: [] };
      const ground = await swarmGround(context);
      const app = admitted(ground, { app: { image, more: { secrets: ['gone'] } } }, parts);
      const broken = { ...app, document: app.document.replace('"secrets":{}', '"secrets":{"gone":{"external":true}}') };
      context
        .expect((await ground.stack.deploy(broken)).failed)
        .toMatch(/^stack cp\w+ is not deployed: .*secret not found: gone/);
    },
    testMs,
  );
});
