import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { download, posts } from './blog.ts';

describe('upgrade', () => {
  test('keeps the posts of the previous release', async () => {
    expect((await posts(app)).map(({ title, body }) => `${title}: ${body}`)).toContain(
      `Older than the upgrade: written in ${app.run}`,
    );
  });

  test('gives an older post its address', async () => {
    const { status, body } = await app.http('http://app/posts/older-than-the-upgrade');
    expect(status).toBe(200);
    expect(body).toContain(`<p>written in ${app.run}</p>`);
  });

  test('keeps the uploads of the previous release', async () => {
    expect(await download(app, 'older.txt')).toBe(`uploaded in ${app.run}`);
  });
});
