// Runs INSIDE the box of a test: `app.browser`. Debian's Chromium, whose every connection goes to the run's socket by way of a
// port on the box's loopback; the box itself is its sandbox.

import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { pictureAtClose } from './pictures.ts';
import { loopback } from './wire.ts';

/** Not the script of that name, which reads the machine's own settings. */
const places = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const launchMs = 60_000;
/**
 * Beside the proxy lies nothing. Loopback names go to it, so that they are refused in words; what Chromium asks for of its
 * own accord (updates, accounts) does not, lest it stand on record as the test's doing.
 */
const bypass = ['<-loopback>', '*.google.com', '*.googleapis.com', '*.gvt1.com'];

/** Rejects where this machine has no Chromium. */
export async function launch(): Promise<Browser> {
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('there is no Chromium on this machine: apt-get install chromium');
  const { chromium } = await import('playwright-core');
  const door = await loopback();
  const browser = await chromium
    .launch({
      executablePath,
      timeout: launchMs,
      // A box in the box is what the box forbids. Services have certificates of their own making.
      args: ['--no-sandbox', '--ignore-certificate-errors'],
      proxy: { server: `http://127.0.0.1:${door.port}`, bypass: bypass.join(',') },
    })
    .catch((error: unknown) => {
      door.close();
      throw error;
    });
  browser.on('disconnected', () => door.close());
  pictureAtClose(browser);
  return browser;
}
