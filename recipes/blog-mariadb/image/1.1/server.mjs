// A blog: posts in MariaDB, pictures in a folder. No packages: each statement is a `mariadb` of its own, its values handed
// over as hex literals. The schema is /migrate.sql, applied at each start. 1.1 gives every post an address made of its title.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const bodyBytesMax = 1024 * 1024;
const uploads = '/uploads';
const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();
const password = secret('db_password');
const adminKey = secret('admin_key');
const columns = `json_object('id', id, 'title', title, 'body', body, 'slug', slug)`;
let migrated = false;

const server = createServer((request, response) => {
  answer(request).then(
    ({ status = 200, json, page, bytes }) => {
      const type = bytes ? 'application/octet-stream' : page ? 'text/html; charset=utf-8' : 'application/json';
      response.writeHead(status, { 'content-type': type });
      response.end(bytes ?? page ?? JSON.stringify(json));
    },
    (error) => {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      response.writeHead(error.status ?? 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: error.message }));
    },
  );
});
process.on('SIGTERM', () => process.exit(0));
server.listen(80, () => console.log('blog 1.1 listens'));
await migrate();
console.log('the database is ready');

async function answer(request) {
  const { pathname } = new URL(request.url, 'http://blog');
  const [, kind, name] = /^(\/api\/posts|\/uploads|\/posts)\/([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/.exec(pathname) ?? [];
  if (request.method !== 'GET' && request.headers.authorization !== `Bearer ${adminKey}`)
    throw refused(401, 'who are you?');
  switch (`${request.method} ${kind ? `${kind}/NAME` : pathname}`) {
    case 'GET /health':
      if (!migrated) throw refused(503, 'the database is not ready');
      return { json: { posts: Number((await query('select count(slug) from posts'))[0]) } };
    case 'GET /':
      return { page: page('Blog', (await posts()).map(teaser).join('')) };
    case 'GET /posts/NAME':
      return found(await posts(`where slug = ${literal(name)}`), (post) => ({
        page: page(post.title, paragraphs(post)),
      }));
    case 'GET /api/posts':
      return { json: await posts() };
    case 'GET /api/posts/NAME':
      return found(await posts(`where id = ${literal(name)}`), (post) => ({ json: post }));
    case 'POST /api/posts':
      return { status: 201, json: await written(await body(request)) };
    case 'GET /uploads/NAME':
      return { bytes: await picture(name) };
    case 'PUT /uploads/NAME':
      return { status: 201, json: await uploaded(name, await body(request)) };
    default:
      throw refused(404, 'there is no such page');
  }
}

function found([post], then) {
  if (post === undefined) throw refused(404, 'there is no such post');
  return then(post);
}

async function posts(which = '') {
  return (await query(`select ${columns} from posts ${which} order by id desc`)).map((row) => JSON.parse(row));
}

async function written(bytes) {
  const { title, body } = parsed(bytes);
  if (typeof title !== 'string' || typeof body !== 'string' || title === '')
    throw refused(400, 'a post needs title and body');
  const values = [title, body, slugOf(title)].map(literal).join(', ');
  const [row] = await query(`insert into posts (title, body, slug) values (${values}) returning ${columns}`);
  return JSON.parse(row);
}

function slugOf(title) {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 90);
}

function parsed(bytes) {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw refused(400, 'that is not JSON');
  }
}

async function picture(name) {
  try {
    return await readFile(`${uploads}/${name}`);
  } catch (error) {
    throw error.code === 'ENOENT' ? refused(404, 'there is no such picture') : error;
  }
}

async function uploaded(name, bytes) {
  await writeFile(`${uploads}/.${name}.new`, bytes);
  await rename(`${uploads}/.${name}.new`, `${uploads}/${name}`);
  return { name, bytes: bytes.length };
}

async function body(request) {
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) > bodyBytesMax)
    throw refused(413, 'that is too long');
  return await buffer(request);
}

function refused(status, message) {
  return Object.assign(new Error(message), { status });
}

async function migrate() {
  while (!migrated) {
    try {
      await query(readFileSync('/migrate.sql', 'utf8'));
      migrated = true;
    } catch (error) {
      console.log(`waiting for the database: ${error.message}`);
      await delay(300);
    }
  }
}

function literal(value) {
  return `convert(X'${Buffer.from(value).toString('hex')}' using utf8mb4)`;
}

async function query(sql) {
  const client = spawn('mariadb', ['-BNr', '--default-character-set=utf8mb4', '-h', 'db', '-u', 'blog', 'blog'], {
    env: { ...process.env, MYSQL_PWD: password },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  client.stdin.on('error', () => undefined).end(sql);
  const [said, complaint, code] = await Promise.all([
    text(client.stdout),
    text(client.stderr),
    new Promise((resolve, reject) => client.on('close', resolve).on('error', reject)),
  ]);
  if (code !== 0) throw new Error(complaint.trim() || `mariadb ended with ${code}`);
  return said.split('\n').filter((line) => line !== '');
}

function escaped(value) {
  return value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function teaser({ title, slug }) {
  return `<p><a href="/posts/${slug}">${escaped(title)}</a></p>`;
}

function paragraphs({ body }) {
  return body
    .split('\n\n')
    .map((paragraph) => `<p>${escaped(paragraph)}</p>`)
    .join('');
}

function page(title, inside) {
  return `<!doctype html><title>${escaped(title)}</title><h1>${escaped(title)}</h1>${inside}`;
}
