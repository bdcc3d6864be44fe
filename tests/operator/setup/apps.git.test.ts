// Repositories of apps: what `init` proposes, how a Docker engine is granted, and what is pinned for an app. No engine
// takes part.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { pinsOf, queueAct, readyPlan } from '../../../operator/acts/queue.ts';
import { detectApp } from '../../../operator/project/app.ts';
import { tryRun } from '../../../operator/runs/try.ts';
import { doctor } from '../../../operator/setup/doctor.ts';
import { init } from '../../../operator/setup/init.ts';
import { sayInit } from '../../../operator/setup/say.ts';
import { screen } from '../../../operator/terminal/print.ts';
import { grantOptions } from '../../../operator/workspace/grantOptions.ts';
import { here } from '../../../operator/workspace/here.ts';
import type { OpenResult } from '../../../runner/box/open.ts';
import { unavailable } from '../../../runner/box/selftest.ts';
import type { DockerReport } from '../../../runner/swarm/engine/report.ts';
import type { Sha } from '../../../state/entry/ids.ts';
import { PinnedRecipe } from '../../../state/entry/recipe.ts';
import { readConfig } from '../../../state/plan/config.ts';
import { openWorkspace } from '../../../state/trail/workspace.ts';
import { type Ground, ground } from '../../support/phase/cli.ts';
import { addCommits, type Files, git } from '../../support/repo.ts';

const compose = `services:
  app:
    image: coldpass-test/mail:1
    deploy:
      labels:
        - "coop-cloud.\${STACK_NAME}.version=1.1.0+2.3"
        - "backupbot.backup=true"
`;
const suite = Object.fromEntries(
  ['install', 'upgrade', 'backup', 'restore', 'functional'].map((name) => [`tests/${name}.test.ts`, '// tests\n']),
);
const appProject: Files = { 'compose.yml': compose, '.env.sample': 'TYPE=mail\n', ...suite };
const planText = `---
phase: mail
base: main
gates:
  M1: { recipe: app, covers: ["2.1"], controls: [omit-volume], expect: { level: 5 } }
---

# Phase mail: the backup

## 2. Work requirements

1. Mail is backed up.

## 3. Gates

**M1** It is.

## 5. Definition of Done

- Mail comes back.
`;

function detected(files: Record<string, string>) {
  return detectApp({ files: Object.keys(files), read: (path) => files[path] ?? null });
}

/** Creates a socket and returns its path. Nobody answers on it, but it is enough for a grant. */
async function socketIn(dir: string): Promise<string> {
  const path = join(dir, 'docker.sock');
  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return path;
}

function initIn(place: Ground, more: { docker?: string } = {}) {
  return init({ ...asked(place), nodePath: process.execPath, now: new Date(), ...more });
}

function asked(place: Ground) {
  const { repo: dir, state: stateDir, env } = place;
  return { dir, stateDir, env, home: env.HOME ?? '', uid: process.getuid?.() ?? 1000 };
}

it('an app is recognised by a service named app, or by the files beside compose.yml', () => {
  expect(detected({ 'compose.yml': compose })).toMatchObject({
    name: 'app',
    recipe: { engine: 'swarm', suite: 'tests' },
  });
  expect(detected({ 'compose.yml': 'services: { web: {} }\n', 'abra.sh': '' })).not.toBeNull();
  expect(detected({ 'compose.yml': 'services: { web: {} }\n' })).toBeNull();
  expect(detected({ 'compose.yml': ': {', 'a.js': '' })).toBeNull();
  expect(detected({ 'docker-compose.yml': compose })).toBeNull();
});

it('each thing that an app lacks is reported on one line that says what to do', () => {
  expect(detected({ ...appProject } as Record<string, string>)?.notes).toEqual([]);
  const notes = detected({ 'compose.yml': 'services: { web: {} }\n', 'abra.sh': '' })?.notes.join('\n');
  for (const word of ['main: NAME', '.env.sample', 'no label coop-cloud', 'notApplicable', 'lacks install.test.ts'])
    expect(notes).toContain(word);
});

it('init proposes an app recipe, and grants no Docker engine unless asked', async () => {
  const place = ground(appProject);
  const first = await initIn(place);
  expect(first).toMatchObject({ exit: 3, proposed: [{ name: 'app', what: expect.stringContaining('Co-op Cloud') }] });
  expect(first.notes).toEqual([
    'a recipe deploys an app, but no Docker engine is granted; type: coldpass init --docker /var/run/docker.sock',
  ]);
  expect(openWorkspace(place.state)?.grants.docker).toBeNull();
  expect(readConfig(place.repo).recipes).toMatchObject({ app: { engine: 'swarm', app: '.', tests: ['tests/**'] } });
  await expect(
    tryRun({ asked: asked(place), now: () => new Date(), signal: new AbortController().signal }),
  ).rejects.toThrow('recipe "app" deploys an app, but no Docker engine is granted; type: coldpass init --docker');

  const socket = await socketIn(place.dir);
  await expect(initIn(place, { docker: join(place.dir, 'nowhere') })).rejects.toThrow(
    /nowhere: no socket there; start/,
  );
  const granted = await initIn(place, { docker: socket });
  expect(granted).toMatchObject({ exit: 0, notes: [], granted: { docker: socket } });
  const texts: string[] = [];
  sayInit(granted, screen({ out: { write: (text) => texts.push(text) }, colour: false }));
  expect(texts.join('')).toContain(`granted the Docker engine at ${socket}, for deploying apps; no box sees it`);
  expect(await initIn(place)).toMatchObject({ exit: 0, changed: false, granted: { docker: null } });
  expect(openWorkspace(place.state)?.grants.docker).toBe(socket);
});

it('the option --docker is passed on as a path, and left out if it is not given', () => {
  expect(grantOptions({ docker: '/run/docker.sock' }).docker).toBe('/run/docker.sock');
  expect(grantOptions({})).not.toHaveProperty('docker');
});

/** Creates a workspace of an app that has two releases before the head of main. */
async function released(): Promise<Ground & { shas: Sha[] }> {
  const place = ground(appProject);
  await initIn(place, { docker: await socketIn(place.dir) });
  git(place.repo, ['add', '-A']);
  git(place.repo, ['commit', '--quiet', '-m', 'coldpass']);
  const [first, second, head] = addCommits(place.repo, 'refs/heads/main', [{ a: '1' }, { a: '2' }, { a: '3' }], 'main');
  const shas = [first, second, head] as Sha[];
  for (const [at, name] of ['1.0.0+2.2', '1.1.0+2.3'].entries())
    git(place.repo, ['tag', '-a', name, '-m', name, shas[at] as string]);
  writeFileSync(join(place.repo, 'plan.md'), planText);
  return { ...place, shas };
}

it('a queued plan pins which recipes are apps, and the releases before its base; the hub then has them', async () => {
  const place = await released();
  const [first, second, head] = place.shas;
  const at = await here(asked(place));
  const plan = readyPlan(place.repo, 'plan.md', at);
  const { act, blobs } = await queueAct(plan, at, { env: place.env, now: new Date() });
  if (act.payload.act !== 'queue') throw new Error('it queues nothing');
  const { apps, baseSha } = act.payload;
  expect({ apps, baseSha }).toEqual({ apps: ['app'], baseSha: head });
  expect(releasesIn(blobs)).toEqual([
    { version: '1.1.0+2.3', sha: second },
    { version: '1.0.0+2.2', sha: first },
  ]);
  for (const sha of place.shas) expect(git(at.paths.hub, ['cat-file', '-t', sha])).toBe('commit');
  // These are the releases that an amendment pins for a phase with an older base.
  expect(releasesIn((await pinsOf(plan, at, first as Sha)).blobs)).toEqual([{ version: '1.0.0+2.2', sha: first }]);
});

function releasesIn(blobs: Record<string, string>): unknown {
  const texts = Object.values(blobs).map((blob) => atob(blob));
  return texts.flatMap((text) => (text.startsWith('{') ? PinnedRecipe.parse(JSON.parse(text)).releases : []));
}

it('doctor checks the granted engine, and reports its state and what to do', async () => {
  const place = await released();
  const reports: [DockerReport, 'ok' | 'fail', RegExp, RegExp][] = [
    [{ ok: true, api: '1.41', swarm: true, ipvs: false }, 'ok', /a swarm, API 1\.41, without IPVS/, /^null$/],
    [{ ok: false, why: 'nobody answers', mend: 'start dockerd' }, 'fail', /nobody answers/, /dockerd/],
  ];
  for (const [report, state, what, remedy] of reports) {
    const docker = async () => report;
    const { checks } = await doctor({ ...asked(place), nodeVersion: '24.0.0', sandbox, docker });
    const check = checks.find((one) => /^Docker at /.test(one.what));
    expect(check).toMatchObject({ state, what: expect.stringMatching(what) });
    expect(String(check?.remedy)).toMatch(remedy);
  }
});

it('doctor says how to grant an engine if an app needs one, and does not mention Docker otherwise', async () => {
  const lacking = async (files?: Files) => {
    const place = ground(files);
    await initIn(place);
    const docker = () => Promise.reject(new Error('nobody is to be asked'));
    const { checks } = await doctor({ ...asked(place), nodeVersion: '24.0.0', sandbox, docker });
    return checks.filter(({ what, remedy }) => /docker/i.test(`${what} ${remedy}`));
  };
  expect(await lacking(appProject)).toMatchObject([{ state: 'fail', remedy: expect.stringMatching(/init --docker/) }]);
  expect(await lacking()).toEqual([]);
});

async function sandbox(): Promise<OpenResult> {
  return { sandbox: null, selfTest: unavailable('shared', 'not looked at'), mend: [] };
}
