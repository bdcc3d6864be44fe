// The blog's API, for hooks and tests.

import type { App } from 'coldpass/app';

export type Post = { id: number; title: string; body: string; slug?: string };

export async function write(app: App, title: string, body: string): Promise<Post> {
  const response = await admin(app, 'POST', '/api/posts', JSON.stringify({ title, body }));
  if (response.status !== 201) throw new Error(`the post was refused: ${response.status} ${response.body}`);
  return JSON.parse(response.body);
}

export async function posts(app: App): Promise<Post[]> {
  const { status, body } = await app.http('http://app/api/posts');
  if (status !== 200) throw new Error(`cannot list the posts: ${status} ${body}`);
  return JSON.parse(body);
}

export async function upload(app: App, name: string, content: string): Promise<void> {
  const { status, body } = await admin(app, 'PUT', `/uploads/${name}`, content);
  if (status !== 201) throw new Error(`${name} was refused: ${status} ${body}`);
}

export async function download(app: App, name: string): Promise<string | null> {
  const { status, body } = await app.http(`http://app/uploads/${name}`);
  return status === 200 ? body : null;
}

async function admin(app: App, method: string, path: string, body: string) {
  const headers = { authorization: `Bearer ${await app.secret('admin_key')}` };
  return await app.http(`http://app${path}`, { method, headers, body });
}
