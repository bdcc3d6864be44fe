import { randomUUID } from 'node:crypto';
import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { add, list, remove, texts } from './notes.ts';

describe('functional', () => {
  test('returns a note word for word', async () => {
    const text = `it's "quoted"; \\d :'id' $1 -- ${randomUUID()}\n\tsecond line, Grüße 🌱`;
    const { id } = await add(app, text);
    const { status, body } = await app.http(`http://app/api/notes/${id}`);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ id, text });
  });

  test('finds a note by its words, and no other', async () => {
    const word = `w${randomUUID().replaceAll('-', '')}`;
    const { id } = await add(app, `the word is ${word}, among others`);
    await add(app, 'the word is another');
    expect((await list(app, `?q=${word}+-absent`)).map((note) => note.id)).toEqual([id]);
  });

  test('forgets a removed note', async () => {
    const { id } = await add(app, 'soon gone');
    await remove(app, id);
    expect((await app.http(`http://app/api/notes/${id}`)).status).toBe(404);
  });

  test('shows markup as text', async () => {
    await add(app, '<script>alert(1)</script>');
    const { body } = await app.http('http://app/');
    expect(body).toContain('&#60;script&#62;alert(1)');
    expect(body).not.toContain('<script>');
  });

  test('refuses anything that is not a note', async () => {
    for (const body of ['', '{', '{}', '{"text":""}', '{"text":"\\u0000"}']) {
      expect((await app.http('http://app/api/notes', { method: 'POST', body })).status, body).toBe(400);
    }
  });

  test('keeps its notes when the database restarts', async () => {
    const { text } = await add(app, `outlives a restart, ${randomUUID()}`);
    const started = () => app.output('db', 'psql -U postgres -qAtc "select pg_postmaster_start_time()" notes');
    const before = await started();
    await app.exec('db', 'kill -INT 1');
    await app.eventually(async () => expect(await started()).not.toBe(before), 30);
    await app.eventually(async () => expect((await app.http('http://app/health')).status).toBe(200), 30);
    expect(await texts(app)).toContain(text);
  }, 70_000);
});
