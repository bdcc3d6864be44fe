// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files contain such variables
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LintInput } from '../../../../runner/swarm/lint/ground.ts';
import { lintApp, rules, unreadable } from '../../../../runner/swarm/lint/lint.ts';
import type { Release } from '../../../../state/entry/recipe.ts';
import { AppFacts } from '../../../../state/entry/record.ts';
import { admittedOf, fixtures, openTexts } from '../../../support/app/swarmApp.ts';

const names = [
  'compose.yml',
  'compose.smtp.yml',
  '.env.sample',
  'abra.sh',
  'app.env',
  'entrypoint.sh.tmpl',
  'conf/pg_backup.sh',
];
const notes = Object.fromEntries(names.map((name) => [name, readFileSync(join(fixtures, 'notes', name), 'utf8')]));
const releases = ['2.0.0+7.4', '1.9.9+7.3'].map((version) => ({ version, sha: 'a'.repeat(40) }) as Release);

type Change = { [file: string]: (text: string) => string };

/** Returns each of lint's findings in the changed fixture as `RULE where what`. */
async function findingsOf(change: Change = {}, over: Partial<LintInput> = {}): Promise<string[]> {
  const files = Object.fromEntries(Object.entries(notes).map(([name, text]) => [name, change[name]?.(text) ?? text]));
  const app = admittedOf(await openTexts(files));
  const { 'app.env': _env, 'entrypoint.sh.tmpl': _tmpl, 'conf/pg_backup.sh': _backup, ...read } = files;
  const findings = lintApp({
    files: read as Record<string, string>,
    app,
    releases,
    lightweightTags: [],
    headVersion: app.version,
    isChanged: true,
    ...over,
  });
  for (const finding of findings) expect(AppFacts.shape.lint.parse([finding])).toEqual([finding]);
  return findings.map(({ rule, where, what }) => `${rule} ${where} ${what}`);
}

function put(from: string | RegExp, to: string): Change {
  return { 'compose.yml': (text) => text.replace(from, to) };
}

/** The findings in the unchanged fixture: a key that Swarm ignores, and a volume that is not backed up. */
const usual = ['C014 compose.yml:47 Swarm ignores tmpfs', 'C017 compose.yml:127 plugins is not backed up'];

describe('lint of an app', () => {
  it('has only the usual two findings in a sound app', async () => {
    expect(await findingsOf()).toEqual(usual);
  });

  it.each([
    ['C002', put('version: "3.8"', ''), 'C002 compose.yml:1 no version is set'],
    [
      'C002',
      { 'compose.smtp.yml': (text) => text.replace('3.8', '3.7') },
      'C002 compose.smtp.yml:2 the version is 3.7, but elsewhere 3.8',
    ],
    ['C004', put('postgres:15.4', 'postgres'), 'C004 compose.yml:92 postgres has no tag'],
    ['C004', put('postgres:15.4', 'registry:5000/postgres'), 'C004 compose.yml:92 registry:5000/postgres has no tag'],
    ['C005', put('postgres:15.4', 'postgres:latest'), 'C005 compose.yml:92 postgres:latest is always the newest image'],
    [
      'C006',
      put('postgres:15.4', 'postgres:stable'),
      'C006 compose.yml:92 postgres:stable may be another image tomorrow',
    ],
    ['C007', put('version=2.0.1+7.5.1', 'version=2.0'), 'C007 compose.yml:87 2.0 is not a release version'],
    ['C007', put(/.*coop-cloud.*\n/, ''), 'C007 compose.yml:14 no version label'],
    [
      'C008',
      put('version=2.0.1+7.5.1', 'version=2.0.0+7.5.1'),
      'C008 compose.yml:87 the app has changed, but 2.0.0+7.5.1 is not newer than its release 2.0.0+7.4',
    ],
    ['C008', put('version=2.0.1+7.5.1', 'version=1.10.0+9'), 'C008 compose.yml:87 the app has changed, but 1.10.0+9'],
    [
      'C010',
      put(/ {4}healthcheck:\n {6}test: "pg[\s\S]*?interval: 2s\n/, ''),
      'C010 compose.yml:91 db has no healthcheck',
    ],
    ['C011', put('start_period: 1m', 'start_period: ${START:-1m}'), 'C011 compose.yml:72 abra resolves no variable'],
    ['C012', put(/<<: \*restart\n {6}labels/, 'labels'), 'C012 compose.yml:91 db has no restart_policy'],
    [
      'C013',
      put('POSTGRES_PASSWORD_FILE=/run/secrets/db_password', 'POSTGRES_PASSWORD=hunter22'),
      'C013 compose.yml:97 POSTGRES_PASSWORD has its value in the compose file',
    ],
    [
      'C013',
      { '.env.sample': (text) => `${text}SMTP_TOKEN=abcdef\n` },
      'C013 .env.sample:24 SMTP_TOKEN has the same value',
    ],
    [
      'C015',
      put('volumes.plugins=false', 'volumes.plugin=false'),
      'C015 compose.yml:89 backupbot.backup.volumes.plugin names no volume of app',
    ],
    [
      'C015',
      put('volumes.plugins=false', 'volumes.plugins=no'),
      'C015 compose.yml:89 backupbot.backup.volumes.plugins is no',
    ],
    ['C015', put('backupbot.backup=true', 'backupbot.backup=True'), 'C015 compose.yml:88 backupbot.backup is True'],
    [
      'C015',
      put('volumes.database.path', 'volumes.db.path'),
      'C015 compose.yml:114 backupbot.backup.volumes.db.path names no volume of db',
    ],
    ['C015', put('"/pg_backup.sh backup"', '""'), 'C015 compose.yml:115 backupbot.backup.pre-hook is empty'],
    [
      'C016',
      put('backupbot.restore.post-hook', 'backupbot.backup.path'),
      'C016 compose.yml:117 backupbot.backup.path is not a known label',
    ],
    [
      'C016',
      put('backupbot.backup: "true"', 'other: "true"'),
      'C016 compose.yml:115 backupbot.backup.pre-hook has no effect',
    ],
    ['C018', put('_${PG_BACKUP_VERSION}', ''), 'C018 compose.yml:137 the name of pg_backup has no version'],
    ['C019', put('_${SECRET_SESSION_KEY_VERSION}', ''), 'C019 compose.yml:146 the name of session_key has no version'],
    [
      'C022',
      { 'abra.sh': (text) => `${text}export OLD_VERSION=v1\n` },
      'C022 abra.sh:10 no compose file uses OLD_VERSION',
    ],
    [
      'C023',
      put('backupbot.backup: "true"', 'a.$STACK_NAME.b: "true"'),
      'C023 compose.yml:113 docker resolves no variable in a.$STACK_NAME.b',
    ],
    ['C024', put('  uploads:\n', '  uploads:\n  forgotten:\n'), 'C024 compose.yml:127 no service uses forgotten'],
  ] as [string, Change, string][])('reports a defect under the rule %s', async (rule, change, finding) => {
    const findings = await findingsOf(change);
    expect(findings.filter((line) => line.startsWith(rule))).toContainEqual(expect.stringContaining(finding));
  });

  it('reports under C020 a variable that only the recipe sets', async () => {
    const files = {
      ...notes,
      '.env.sample': notes['.env.sample']?.replace('EXTRA_DOMAINS=\n', '').replace(/#EXTRA.*\n/, '') ?? '',
    };
    const app = admittedOf(await openTexts(files, { env: { EXTRA_DOMAINS: '' } }));
    const lint = lintApp({ files, app, releases, lightweightTags: [], headVersion: app.version, isChanged: true });
    expect(lint).toContainEqual({
      rule: 'C020',
      severity: 'error',
      where: 'compose.yml:85',
      what: 'EXTRA_DOMAINS is not set anywhere',
      fix: 'add EXTRA_DOMAINS= to .env.sample',
    });
  });

  it('reports under C003 a main service with another name than app', async () => {
    const files = { 'compose.yml': 'version: "3.8"\nservices:\n  web:\n    image: a:1\n' };
    const app = admittedOf(await openTexts(files, { main: 'web' }));
    const lint = lintApp({ files, app, releases: [], lightweightTags: [], headVersion: null, isChanged: true });
    expect(lint.map(({ rule }) => rule)).toEqual(['C003', 'C007', 'C010', 'C012']);
  });

  it('reports under C009 a tag that is not annotated', async () => {
    expect(await findingsOf({}, { lightweightTags: ['1.0.0+1'] })).toContainEqual(
      expect.stringMatching(/^C009 tag 1\.0\.0\+1 this tag/),
    );
  });

  it('reports under C001 an overlay that cannot be read', async () => {
    const files = { ...notes, 'compose.broken.yml': 'a: [' };
    const app = admittedOf(await openTexts(notes as Record<string, string>));
    const lint = lintApp({
      files: files as Record<string, string>,
      app,
      releases,
      lightweightTags: [],
      headVersion: null,
      isChanged: false,
    });
    expect(lint).toMatchObject([{ rule: 'C001', severity: 'error', where: 'compose.broken.yml:1' }]);
  });

  it.each([
    ['an app as it was released', {}, { isChanged: false, headVersion: '2.0.0+7.4' }],
    ['a first release', {}, { releases: [] }],
    ['a digest instead of a tag', put('postgres:15.4', `postgres@sha256:${'a'.repeat(64)}`), {}],
    ['a password-like name whose value is true', put('POSTGRES_DB=notes', 'MYSQL_ALLOW_EMPTY_PASSWORD=true'), {}],
    ['a password from a variable', put('POSTGRES_DB=notes', 'POSTGRES_PASSWORD=$STACK_NAME'), {}],
  ] as [string, Change, Partial<LintInput>][])('has nothing against %s', async (_what, change, over) => {
    expect(await findingsOf(change, over)).toEqual(usual);
  });

  it('has each rule in docs/app-recipes-lint.md, with its severity', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../../../docs/app-recipes-lint.md'), 'utf8');
    const rows = [...text.matchAll(/^\| (C\d{3}) \| (\w+) \| ([^|]+) \|/gm)].map(([, id, severity, title]) => [
      id,
      severity,
      title,
    ]);
    expect(rows).toEqual([unreadable, ...rules].map(({ id, severity, title }) => [id, severity, title]));
  });
});
