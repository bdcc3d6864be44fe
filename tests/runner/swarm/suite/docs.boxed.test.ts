// The example in docs/app-recipes.md is a valid recipe, and its hooks and tests run exactly as printed there.

import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import type { AppHost } from '../../../../runner/swarm/app/app.ts';
import { AppRecipe } from '../../../../state/entry/recipe.ts';
import { appHost, never, suiteOf } from '../../../support/app/appHost.ts';
import { describeBoxed } from '../../../support/box.ts';
import { tempDir } from '../../../support/temp.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../docs/app-recipes.md'), 'utf8');
const config = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '');
const files = Object.fromEntries(
  [...text.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(([, path, code]) => [path as string, code as string]),
);
const slowMs = 300_000;

describeBoxed('the documented app recipe', { timeout: slowMs }, () => {
  test('is valid, and the document names every key of a recipe', () => {
    expect(AppRecipe.parse(config.recipes.notes)).toMatchObject({ engine: 'swarm', main: 'app', suite: 'tests' });
    for (const key of Object.keys(AppRecipe.shape)) expect(text).toContain(`\`${key}\``);
  });

  test('has hooks and tests that work as printed', async () => {
    expect(Object.keys(files)).toEqual(['tests/ops.ts', 'tests/restore.test.ts', 'tests/functional.test.ts']);
    const { host, volume } = await notesApp();
    const { suite } = await suiteOf(files, host);
    expect(await suite.hook('preBackup', never)).toMatchObject({ exit: 0 });
    expect(existsSync(join(volume, 'kept.txt'))).toBe(true);
    const { report } = await suite.tests(['tests/restore.test.ts', 'tests/functional.test.ts'], 'restore', never);
    expect(report.kind === 'read' && report.tests.map(({ id, status }) => [id, status])).toEqual([
      ['tests/functional.test.ts > a note is found by its words', 'pass'],
      ['tests/restore.test.ts > restore > note in the database', 'pass'],
      ['tests/restore.test.ts > restore > file', 'pass'],
    ]);
    expect(await suite.hook('preRestore', never)).toMatchObject({ exit: 0 });
    expect(existsSync(join(volume, 'late.txt'))).toBe(true);
  });
});

/** Serves notes over HTTP; a folder stands in for the volume `/files`. */
async function notesApp(): Promise<{ host: AppHost; volume: string }> {
  const volume = join(realpathSync(tempDir()), 'files');
  mkdirSync(volume, { recursive: true });
  const notes: string[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.method === 'POST') notes.push(JSON.parse(body).title);
    const word = new URL(request.url ?? '/', 'http://app').searchParams.get('q') ?? '';
    response.writeHead(request.method === 'POST' ? 201 : 200);
    response.end(JSON.stringify(notes.filter((note) => note.includes(word))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const real = appHost({ ports: { app: { 8080: (server.address() as AddressInfo).port } } });
  const exec: AppHost['exec'] = (service, ask) =>
    real.exec(service, { ...ask, command: ask.command.map((word) => word.replaceAll('/files', volume)) });
  return { host: { ...real, exec }, volume };
}
