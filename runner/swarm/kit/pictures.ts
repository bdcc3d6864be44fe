// Runs INSIDE the box of a test: takes a screenshot of each open page when the browser closes, for people. No verdict
// depends on it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

/** The most screenshots in one run of test files. */
export const picturesMax = 4;
/** The path of the reports folder in the box. */
export const outFolder = '/out';
const pictureMs = 10_000;

/** The file name of screenshot `n`, counted from 1, by which the harness collects it from the reports folder. */
export function pictureName(n: number): string {
  return `page-${n}.png`;
}

/** Takes a screenshot of every page that is still open when `browser` is closed. */
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
