import { app } from 'coldpass/app';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf, cipherOf, newPad, type Pad, write } from './pad.ts';

const settleSeconds = 30;

let browser: Browser;
beforeAll(async () => {
  browser = await app.browser();
});
afterAll(async () => {
  await browser?.close();
});

/** A new visitor: browser contexts share nothing. */
async function visit(pad: Pad): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(addressOf(app, pad));
  await page.locator('textarea:enabled').waitFor();
  return page;
}

/** Types a text and waits until the page reports that it is saved. */
async function type(page: Page, text: string): Promise<void> {
  const before = await stateOf(page);
  await page.locator('textarea').fill(text);
  await app.eventually(async () => {
    const now = await stateOf(page);
    expect(now).toMatch(/^saved/);
    expect(now).not.toBe(before);
  }, settleSeconds);
}

async function stateOf(page: Page): Promise<string> {
  return (await page.locator('output').textContent()) ?? '';
}

async function shows(page: Page, text: string): Promise<void> {
  await app.eventually(async () => expect(await page.locator('textarea').inputValue()).toBe(text), settleSeconds);
}

describe('functional', () => {
  test('shows the typed text to another visitor with the address', async () => {
    const pad = newPad();
    const text = `dear diary ${crypto.randomUUID()}\nGrüße 🌱`;
    await type(await visit(pad), text);
    await shows(await visit(pad), text);
  });

  test('keeps nothing that the server could read', async () => {
    const pad = newPad();
    const words = `nobody reads ${crypto.randomUUID()}`;
    await type(await visit(pad), words);
    const kept = Buffer.from(await app.output('app', 'find /pads -type f -exec cat {} + | base64'), 'base64');
    expect(kept.length).toBeGreaterThan(words.length);
    expect(kept.includes(words)).toBe(false);
    expect(kept.includes(pad.key)).toBe(false);
    expect(await app.logs('app')).not.toContain(pad.key);
  });

  test('shows nothing to a visitor with another key', async () => {
    const pad = newPad();
    await write(app, pad, 'for your eyes only');
    const page = await visit({ ...pad, key: newPad().key });
    expect(await page.locator('textarea').inputValue()).not.toContain('eyes');
  });

  test('shows each of two visitors what the other types', async () => {
    const pad = newPad();
    const [ada, bob] = [await visit(pad), await visit(pad)];
    await type(ada, 'ada was here');
    await shows(bob, 'ada was here');
    await type(bob, 'ada was here\nbob too');
    await shows(ada, 'ada was here\nbob too');
  }, 120_000);

  test('seals with ChaCha20 as specified in RFC 8439', async () => {
    const { chacha20 } = await cipherOf(app);
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const nonce = new Uint8Array(Buffer.from('000000000000004a00000000', 'hex'));
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    expect(Buffer.from(chacha20(key, nonce, 1, new TextEncoder().encode(text))).toString('hex')).toMatch(
      /^6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b.*874d$/,
    );
  });
});
