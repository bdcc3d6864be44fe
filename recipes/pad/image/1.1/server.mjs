// A pad server: keeps what pages send it, by name and revision, and can read none of it. A write names the revision that it
// was made on, so of two at once one is told to merge. 1.1 keeps the ten revisions before the newest.

import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

const folder = '/pads';
const padBytesMax = 256 * 1024;
const revisionsKept = 10;
const files = new Map(
  [
    ['/', 'pad.html', 'text/html; charset=utf-8'],
    ['/pad.js', 'pad.js', 'text/javascript'],
    ['/cipher.js', 'cipher.js', 'text/javascript'],
  ].map(([path, name, type]) => [path, { type, bytes: readFileSync(`${import.meta.dirname}/${name}`) }]),
);
/** One write at a time: the revision is looked at and moved. */
let turn = Promise.resolve();

const server = createServer((request, response) => {
  answer(request).then(
    ({ status = 200, type = 'application/octet-stream', bytes = '', revision }) => {
      const headers = {
        'content-type': type,
        'cache-control': 'no-store',
        ...(revision && { 'x-revision': revision }),
      };
      response.writeHead(status, headers).end(bytes);
    },
    (error) => {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      response.writeHead(500).end();
    },
  );
});
process.on('SIGTERM', () => process.exit(0));
server.listen(80, () => console.log('pad 1.1 listens'));

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://pad');
  const id = /^\/api\/pads\/([a-z0-9]{8,64})$/.exec(pathname)?.[1];
  if (id !== undefined && request.method === 'GET') return pad(id, searchParams.get('revision'));
  if (id !== undefined && request.method === 'PUT') return written(id, request);
  if (request.method === 'GET' && files.has(pathname)) return files.get(pathname);
  return request.method === 'GET' && pathname === '/health' ? { type: 'text/plain', bytes: 'ready' } : { status: 404 };
}

async function pad(id, asked) {
  const revision = asked ?? (await newest(id));
  if (!/^[1-9]\d{0,8}$/.test(revision)) return { status: 404 };
  try {
    return { bytes: await readFile(`${folder}/${id}/${revision}`), revision };
  } catch (error) {
    if (error.code === 'ENOENT') return { status: 404 };
    throw error;
  }
}

async function written(id, request) {
  if (!(Number(request.headers['content-length']) <= padBytesMax)) return { status: 413 };
  const bytes = await buffer(request);
  const mine = turn.then(async () => {
    const last = await newest(id);
    if (request.headers['x-revision'] !== last) return { status: 409, revision: last };
    const revision = String(Number(last) + 1);
    await mkdir(`${folder}/${id}`, { recursive: true });
    await replace(`${folder}/${id}/${revision}`, bytes);
    await replace(`${folder}/${id}/newest`, revision);
    await rm(`${folder}/${id}/${Number(revision) - revisionsKept - 1}`, { force: true });
    return { status: 201, revision };
  });
  turn = mine.catch(() => undefined);
  return mine;
}

/** `0` where nothing was written yet. */
async function newest(id) {
  try {
    return await readFile(`${folder}/${id}/newest`, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '0';
    throw error;
  }
}

async function replace(file, content) {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
