import { randomUUID } from 'node:crypto';
import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { download, posts, upload, write } from './blog.ts';

describe('functional', () => {
  test('returns a post word for word', async () => {
    const title = `O'Reilly "quoted" \\ ${randomUUID()}`;
    const body = "first -- x'; drop table posts; #\n\nsecond, Grüße 🌱";
    const { id } = await write(app, title, body);
    const { status, body: answer } = await app.http(`http://app/api/posts/${id}`);
    expect(status).toBe(200);
    expect(JSON.parse(answer)).toMatchObject({ id, title, body });
  });

  test('shows a post at the address derived from its title', async () => {
    const word = randomUUID();
    const { slug } = await write(app, `A Post: ${word}!`, 'one\n\n<two>');
    expect(slug).toBe(`a-post-${word}-`);
    const { body } = await app.http(`http://app/posts/${slug}`);
    expect(body).toContain(`<h1>A Post: ${word}!</h1><p>one</p><p>&#60;two&#62;</p>`);
  });

  test('lists the newest post first', async () => {
    await write(app, 'the one', 'before');
    await write(app, 'the other', 'after');
    expect((await posts(app)).slice(0, 2).map(({ title }) => title)).toEqual(['the other', 'the one']);
  });

  test('returns an upload, and nothing that was not uploaded', async () => {
    const content = `picture ${randomUUID()}\n`.repeat(1000);
    await upload(app, 'picture.svg', content);
    expect(await download(app, 'picture.svg')).toBe(content);
    expect(await download(app, 'another.svg')).toBeNull();
    expect((await app.http('http://app/uploads/..%2F..%2Frun%2Fsecrets%2Fadmin_key')).status).toBe(404);
  });
});
