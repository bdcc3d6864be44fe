// Runs INSIDE the box of a test: how a page looked at last, as a picture for people. No verdict hangs on it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

/** Of one run of test files. */
export const picturesMax = 4;
/** Where the folder of a run's reports lies in the box. */
export const outFolder = '/out';
const pictureMs = 10_000;

/** The name by which the harness takes picture `n`, from 1 on, out of the folder of reports. */
export function pictureName(n: number): string {
  return `page-${n}.png`;
}

/** Every page that is still open when `browser` is closed is pictured first. */
export function pictureAtClose(browser: Browser): void {
  const close = browser.close.bind(browser);
  browser.close = async (options) => {
    for (const page of browser.contexts().flatMap((context) => context.pages())) await picture(page);
    await close(options);
  };
}

async function picture(page: Page): Promise<void> {
  const numbers = Array.from({ length: picturesMax }, (_, at) => at + 1);
  const free = numbers.map((n) => join(outFolder, pictureName(n))).find((path) => !existsSync(path));
  if (free !== undefined) await page.screenshot({ path: free, timeout: pictureMs }).catch(() => {});
}
