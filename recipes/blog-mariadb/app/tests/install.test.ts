import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { posts } from './blog.ts';

describe('install', () => {
  test('starts without a post', async () => {
    expect(await posts(app)).toEqual([]);
  });

  test('refuses posts without the key', async () => {
    const post = { method: 'POST', body: '{"title":"t","body":"b"}' };
    expect((await app.http('http://app/api/posts', post)).status).toBe(401);
    const headers = { authorization: 'Bearer guessed' };
    expect((await app.http('http://app/api/posts', { ...post, headers })).status).toBe(401);
    expect(await posts(app)).toEqual([]);
  });
});
