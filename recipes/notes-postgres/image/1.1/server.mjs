// Notes over HTTP, kept in Postgres. No packages: each statement is a `psql` of its own, its values handed over as psql
// variables, which psql quotes. 1.1 finds notes by their words.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const bodyBytesMax = 64 * 1024;
const password = readFileSync('/run/secrets/db_password', 'utf8').trim();
const schema = `
  create table if not exists notes (id bigint generated always as identity primary key, text text not null);
  alter table notes add column if not exists words tsvector generated always as (to_tsvector('simple', text)) stored;
  create index if not exists notes_words on notes using gin (words);`;
const columns = `json_build_object('id', id, 'text', text)`;

const server = createServer((request, response) => {
  answer(request).then(
    ({ status = 200, json, page }) => {
      response.writeHead(status, {
        'content-type': page === undefined ? 'application/json' : 'text/html; charset=utf-8',
      });
      response.end(page ?? JSON.stringify(json));
    },
    (error) => {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      response.writeHead(error.status ?? 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: error.message }));
    },
  );
});
process.on('SIGTERM', () => process.exit(0));
server.listen(80, () => console.log('notes 1.1 listens'));
await migrated();
console.log('the database is ready');

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, 'http://notes');
  const id = /^\/api\/notes\/(\d{1,15})$/.exec(pathname)?.[1];
  switch (`${request.method} ${id === undefined ? pathname : '/api/notes/ID'}`) {
    case 'GET /health':
      return { json: { notes: Number((await query('select count(words) from notes'))[0]) } };
    case 'GET /':
      return { page: page(await notes(searchParams.get('q'))) };
    case 'GET /api/notes':
      return { json: await notes(searchParams.get('q')) };
    case 'POST /api/notes':
      return { status: 201, json: await added(await body(request)) };
    case 'GET /api/notes/ID':
      return one(await query(`select ${columns} from notes where id = :id`, { id }));
    case 'DELETE /api/notes/ID':
      return one(await query(`delete from notes where id = :id returning ${columns}`, { id }));
    default:
      return { status: 404, json: { error: 'there is no such page' } };
  }
}

function one([row]) {
  return row === undefined ? { status: 404, json: { error: 'there is no such note' } } : { json: JSON.parse(row) };
}

async function notes(q) {
  const rows =
    q === null
      ? await query(`select ${columns} from notes order by id`)
      : await query(`select ${columns} from notes where words @@ websearch_to_tsquery('simple', :'q') order by id`, {
          q,
        });
  return rows.map((row) => JSON.parse(row));
}

async function added(note) {
  if (typeof note.text !== 'string' || note.text === '' || note.text.includes('\0'))
    throw refused('a note needs a text');
  const [row] = await query(`insert into notes (text) values (:'text') returning ${columns}`, { text: note.text });
  return JSON.parse(row);
}

async function body(request) {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw refused('that note is too long');
  const said = await text(request);
  if (said.length > bodyBytesMax) throw refused('that note is too long');
  try {
    return JSON.parse(said);
  } catch {
    throw refused('that is not JSON');
  }
}

function refused(message) {
  return Object.assign(new Error(message), { status: 400 });
}

async function migrated() {
  for (;;) {
    try {
      return await query(schema);
    } catch {
      await delay(200);
    }
  }
}

async function query(sql, values = {}) {
  const variables = Object.entries(values).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  const psql = spawn('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...variables], {
    env: { ...process.env, PGPASSWORD: password },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  psql.stdin.on('error', () => undefined).end(sql);
  const [said, complaint, code] = await Promise.all([
    text(psql.stdout),
    text(psql.stderr),
    new Promise((resolve, reject) => psql.on('close', resolve).on('error', reject)),
  ]);
  if (code !== 0) throw new Error(complaint.trim() || `psql ended with ${code}`);
  return said.split('\n').filter((line) => line !== '');
}

function page(all) {
  const items = all.map(({ text }) => `<li>${text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)}</li>`);
  return `<!doctype html><title>Notes</title><h1>Notes</h1><form><input name=q><button>Find</button></form><ul>${items.join('')}</ul>`;
}
