// The notes API, for hooks and tests.

import type { App } from 'coldpass/app';

export type Note = { id: number; text: string };

export async function add(app: App, text: string): Promise<Note> {
  const { status, body } = await app.http('http://app/api/notes', { method: 'POST', body: JSON.stringify({ text }) });
  if (status !== 201) throw new Error(`the note was refused: ${status} ${body}`);
  return JSON.parse(body);
}

export async function list(app: App, query = ''): Promise<Note[]> {
  const { status, body } = await app.http(`http://app/api/notes${query}`);
  if (status !== 200) throw new Error(`cannot list the notes: ${status} ${body}`);
  return JSON.parse(body);
}

export async function texts(app: App): Promise<string[]> {
  return (await list(app)).map(({ text }) => text);
}

export async function remove(app: App, id: number): Promise<void> {
  const { status } = await app.http(`http://app/api/notes/${id}`, { method: 'DELETE' });
  if (status !== 200) throw new Error(`note ${id} was not removed: ${status}`);
}
