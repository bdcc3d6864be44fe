import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appHost, never, suiteOf } from '../support/appHost.ts';
import { describeBoxed } from '../support/box.ts';
import { loginServer } from '../support/loginServer.ts';

const hasChromium = existsSync('/usr/lib/chromium/chromium');
const suite = hasChromium ? describeBoxed : describe.skip;

const functional = `import { expect, test } from 'vitest';
import { app } from 'coldpass/app';
test('a note is kept', async () => {
  const t0 = performance.now();
  const browser = await app.browser();
  console.log('launched', performance.now() - t0);
  try {
    const page = await browser.newPage();
    await page.goto('http://app/');
    await page.fill('[name=user]', 'ada');
    await page.fill('[name=password]', 'secret');
    await page.click('button');
    await page.fill('textarea', 'hello from a box');
    await page.click('button');
    await page.reload();
    expect(await page.textContent('#note')).toBe('hello from a box');
    expect((await page.context().cookies()).map((one) => one.name).sort()).toEqual(['session', 'theme']);
    console.log('done', performance.now() - t0);
  } finally { await browser.close(); }
});`;

suite('a browser in the box', () => {
  test('logs in to the app by its name, keeps its cookie and reads back', async () => {
    const port = await loginServer();
    const opened = await suiteOf({ 'tests/functional.test.ts': functional }, appHost({ ports: { app: { 80: port } } }));
    const { end, report } = await opened.suite.tests(['tests/functional.test.ts'], 'functional', never);
    console.log(end.ms, end.output.head, report);
    console.log(opened.context.denials());
    expect(report).toMatchObject({ kind: 'read', tests: [{ status: 'pass' }] });
    expect(opened.context.denials()).toEqual([]);
  }, 120_000);
});
