import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { appHost, never, suiteOf } from '../../support/appHost.ts';
import { describeBoxed } from '../../support/box.ts';

describeBoxed('a suite', () => {
  test('runs a hook with the app in its hands', async () => {
    const ops = `import type { App } from 'coldpass/app';
import { app as same } from 'coldpass/app';
export async function preBackup(app: App): Promise<void> {
  if (app !== same) throw new Error('another app');
  await app.setMark('seed', await app.output('app', 'cat; echo seeded', { stdin: 'in, ' }));
  console.log(app.stack, await app.mark('seed'), await app.mark('none'));
}`;
    const { suite } = await suiteOf({ 'tests/ops.ts': ops }, appHost());
    const end = await suite.hook('preBackup', never);
    console.log(end);
    expect(end).toMatchObject({ started: true, exit: 0 });
    expect(end.output.head).toBe('cp0123456789ab in, seeded\n null\npreBackup is done\n');
  });
  test('runs tests', async () => {
    const t = `import { describe, expect, test } from 'vitest'; import { app } from 'coldpass/app';
describe('restore', () => { test('mail message', async () => { expect(await app.output('app', ['echo', 'hi'])).toBe('hi\\n'); }); });`;
    const { suite } = await suiteOf({ 'tests/restore.test.ts': t }, appHost());
    const { end, report } = await suite.tests(['tests/restore.test.ts'], 'restore', never);
    console.log(end, report);
  });
});
