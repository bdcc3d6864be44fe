// Readers get exactly what is in the volume.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { drop, publish } from './pages.ts';

describe('functional', () => {
  test('a published page is served unchanged, with its type', async () => {
    const page = `<!doctype html>\n<title>${app.run}</title>\n<p>naïve, 文\n`;
    await publish(app, 'written/page.html', page);
    const { status, headers, body } = await app.http('http://app/written/page.html');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toBe(page);
  });

  test('a page that a reader already has is sent again only after it changes', async () => {
    await publish(app, 'changing.html', 'first\n');
    const first = await app.http('http://app/changing.html');
    const known = { 'if-none-match': first.headers.etag as string };
    expect((await app.http('http://app/changing.html', { headers: known })).status).toBe(304);
    await publish(app, 'changing.html', 'second, longer\n');
    const second = await app.http('http://app/changing.html', { headers: known });
    expect(second.status).toBe(200);
    expect(second.body).toBe('second, longer\n');
  });

  test('a partial request gets that part of a page', async () => {
    await publish(app, 'parts.txt', '0123456789');
    const { status, body } = await app.http('http://app/parts.txt', { headers: { range: 'bytes=2-5' } });
    expect(status).toBe(206);
    expect(body).toBe('2345');
  });

  test('a removed page is gone, and nothing outside the volume can be read', async () => {
    await publish(app, 'short-lived.html', 'here\n');
    expect((await app.http('http://app/short-lived.html')).status).toBe(200);
    await drop(app, 'short-lived.html');
    expect((await app.http('http://app/short-lived.html')).status).toBe(404);
    expect((await app.http('http://app/..%2f..%2fetc%2fpasswd')).status).not.toBe(200);
  });
});
