import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appHost, never, suiteOf } from '../support/app/appHost.ts';
import { loginServer } from '../support/app/loginServer.ts';
import { describeBoxed } from '../support/box.ts';

const hasChromium = existsSync('/usr/lib/chromium/chromium');
/** Chromium is slow to start on a busy machine. */
const slowMs = 300_000;
const suite = hasChromium ? describeBoxed : describe.skip;

const functional = `import { expect, test } from 'vitest';
import { app } from 'coldpass/app';

test('a note is kept', async () => {
  const browser = await app.browser();
  const page = await browser.newPage();
  await page.goto('http://app/');
  await page.fill('[name=password]', 'secret');
  await page.click('button');
  await page.fill('textarea', 'hello from a box');
  // A reload would cut a form off that is still on its way.
  await Promise.all([page.waitForEvent('load'), page.click('button')]);
  await page.reload();
  expect(await page.textContent('#note')).toBe('hello from a box');
  expect((await page.context().cookies()).map((one) => one.name).sort()).toEqual(['session', 'theme']);
  await browser.close();
});

test('nothing else is there', async () => {
  const browser = await app.browser();
  const page = await browser.newPage();
  const refused = await page.goto('http://other/');
  expect([refused?.status(), await refused?.text()]).toEqual([403, expect.stringContaining('not a service of this run')]);
  expect((await page.goto('http://localhost:8080/'))?.status()).toBe(403);
  await browser.close();
});`;

suite('a browser in the box of a test', () => {
  test('logs in to the app by its name, keeps cookies, reads back a note, reaches nothing else, takes screenshots', {
    timeout: slowMs,
  }, async () => {
    const port = await loginServer();
    const opened = await suiteOf(
      { 'tests/functional.test.ts': functional },
      appHost({ ports: { app: { 80: port } } }),
      { browser: true },
    );
    const { end, report, pictures } = await opened.suite.tests(['tests/functional.test.ts'], 'functional', never);
    expect(report.kind === 'read' ? report.tests.map(({ id, status }) => [id, status]) : end.output.head).toEqual([
      ['tests/functional.test.ts > a note is kept', 'pass'],
      ['tests/functional.test.ts > nothing else is there', 'pass'],
    ]);
    // There is a final screenshot of each test's page.
    expect(pictures.map((bytes) => bytes.subarray(1, 4).toString())).toEqual(['PNG', 'PNG']);
    expect(opened.context.denials()).toEqual([
      'connect to other:80: not a service of this run; available: app, db',
      'connect to localhost:8080: an address, not a service of this run; available: app, db',
    ]);
  });
});
