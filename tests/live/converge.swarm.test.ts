// Deployments that must not stand, on the real Swarm: each is told from a good one, in a line that says what to look at.

import { type TestContext, test } from 'vitest';
import { describeSwarm } from '../support/app/engine.ts';
import { admitted, type Parts, type Shape, untilTerm } from '../support/app/smallApp.ts';
import { busybox, swarmGround } from '../support/app/swarm.ts';

/** A machine that eight suites share is slow; on one of its own none of this takes half a minute. */
const testMs = 900_000;
const seconds = 600;

describeSwarm.concurrent('a deployment that does not stand', () => {
  const image = busybox();

  /** What is said of it; null where it stands after all. */
  async function saidOf(
    context: TestContext,
    services: Record<string, Shape>,
    within = seconds,
  ): Promise<string | null> {
    const ground = await swarmGround(context);
    const { failed } = await ground.stack.deploy(admitted(ground, services));
    return failed ?? (await ground.stack.converge({ seconds: within, before: null })).failed;
  }

  /** A good version, then one whose update is to go as `action` says. */
  async function saidOfUpdate(context: TestContext, action: string): Promise<string | null> {
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
    'rolled back',
    async (context) => {
      context
        .expect(await saidOfUpdate(context, 'rollback'))
        .toMatch(/^service app: its update failed and Swarm rolled it back \(task: non-zero exit \(3\)\)/);
    },
    testMs,
  );

  test(
    'paused',
    async (context) => {
      context
        .expect(await saidOfUpdate(context, 'pause'))
        .toMatch(/^service app: its (update failed and Swarm paused it|tasks keep ending).*exit \(3\)/);
    },
    testMs,
  );

  test(
    'a crash loop, though its update counts as completed',
    async (context) => {
      context
        .expect(await saidOfUpdate(context, 'continue'))
        .toMatch(/^service app: its tasks keep ending, 3 so far .*its last log line: cannot open the ledger$/);
    },
    testMs,
  );

  test(
    'one that ends well over and over',
    async (context) => {
      const restart_policy = { condition: 'any', delay: '0s' };
      const said = await saidOf(context, { app: { image, command: 'echo bye', deploy: { restart_policy } } });
      context
        .expect(said)
        .toMatch(/^service app: its tasks keep ending, 3 so far \(complete, exit 0\); its last log line: bye$/);
    },
    testMs,
  );

  test(
    'a health check that never gets green',
    async (context) => {
      const healthcheck = {
        test: ['CMD', 'sh', '-c', 'echo no ledger; exit 1'],
        interval: '1s',
        retries: 2,
        start_period: '0s',
      };
      const said = await saidOf(context, { app: { image, command: untilTerm(), more: { healthcheck } } });
      context.expect(said).toMatch(/^service app: its tasks keep ending.*; its health check fails: no ledger/);
    },
    testMs,
  );

  test(
    'a health check not yet green at the deadline, which is said as such',
    async (context) => {
      const healthcheck = { test: ['CMD', 'false'], interval: '1s', retries: 100, start_period: '300s' };
      const services = {
        app: { image, command: untilTerm(), more: { healthcheck } },
        other: { image, command: untilTerm() },
      };
      context
        .expect(await saidOf(context, services, 40))
        .toMatch(/^service app: not up after 40 s: 0\/1 running \(task starting\)/);
    },
    testMs,
  );

  test(
    'a task that can be placed nowhere',
    async (context) => {
      const placement = { constraints: ['node.labels.nowhere==true'] };
      const said = await saidOf(context, { app: { image, deploy: { placement } } });
      context
        .expect(said)
        .toMatch(/^service app: no node can run its task \(no suitable node \(scheduling constraints/);
    },
    testMs,
  );

  test(
    'one that is not to be started again',
    async (context) => {
      const said = await saidOf(context, {
        app: { image, command: 'exit 4', deploy: { restart_policy: { condition: 'none' } } },
      });
      context.expect(said).toMatch(/^service app: its task ended and none replaced it \(task: non-zero exit \(4\)\)/);
    },
    testMs,
  );

  test(
    'an image that is nowhere is told of before anything is made',
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
    'what Swarm refuses is said in its words',
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
