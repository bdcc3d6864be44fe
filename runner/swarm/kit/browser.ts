// Runs INSIDE the box of a test: `app.browser`. Starts Debian's Chromium, with every connection routed to the run's
// socket through a port on the box's loopback. The box takes the place of Chromium's sandbox.

import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { pictureAtClose } from './pictures.ts';
import { loopback } from './wire.ts';

/** The binary comes first, because the script named `chromium` reads the machine's settings. */
const places = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const launchMs = 60_000;
/**
 * The box has no network but the proxy. Loopback names are sent to the proxy too, so that they are refused with a
 * message. Chromium's own requests (updates, accounts) bypass it and fail; otherwise the record would list them as the
 * test's.
 */
const bypass = ['<-loopback>', '*.google.com', '*.googleapis.com', '*.gvt1.com'];

/** Rejects if this machine has no Chromium. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('there is no Chromium on this machine: apt-get install chromium');
  const { chromium } = await import('playwright-core');
  const door = await loopback();
  const browser = await chromium
    .launch({
      executablePath,
      timeout: launchMs,
      // The box forbids Chromium's own sandbox. Services have self-signed certificates.
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
