import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { texts } from './notes.ts';

describe('install', () => {
  test('starts without a note', async () => {
    expect(await texts(app)).toEqual([]);
  });

  test('serves its page', async () => {
    const { status, body } = await app.http('http://app/');
    expect(status).toBe(200);
    expect(body).toContain('<h1>Notes</h1>');
  });
});
