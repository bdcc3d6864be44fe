import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { download, posts } from './blog.ts';

describe('restore', () => {
  test('brings back the post of the dump', async () => {
    expect((await posts(app)).map(({ title, body }) => `${title}: ${body}`)).toContain(
      `Worth a backup: written in ${app.run}`,
    );
  });

  test('has no post from after the backup', async () => {
    expect((await posts(app)).map(({ title }) => title)).not.toContain('Younger than the backup');
  });

  test('brings back the upload as it was', async () => {
    expect(await download(app, 'worth.txt')).toBe(`uploaded in ${app.run}`);
  });
});
