// Statements of a real trail, verified as a stranger would verify them: with the exported script and stock openssl,
// without our code.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportTrail } from '../../../operator/audit/export.ts';
import { digestOf } from '../../../state/entry/digest.ts';
import { generateKey } from '../../../state/keys/keys.ts';
import { git } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import { spoilable } from '../../support/trail/attack.ts';

const { the, copy } = spoilable();
const resource = 'git+https://example.org/notes.git';

/** Exports the story's trail to a new folder, and returns that folder. */
async function exported(stateDir = the.story.stateDir): Promise<string> {
  const dir = join(tempDir(), 'statements');
  await exportFrom(stateDir, dir);
  return dir;
}

function exportFrom(stateDir: string, dir: string, phase?: string) {
  const paths = { hub: join(stateDir, 'hub.git'), headsLog: join(stateDir, 'heads.log'), keys: join(stateDir, 'keys') };
  return exportTrail({ paths, root: the.story.hub.root, resource, dir, ...(phase && { phase }) });
}

/** Runs `sh verify.sh` as on a machine without our programs: its PATH has no node. */
function verify(dir: string, ...args: string[]): { exit: number | null; said: string } {
  const env = { PATH: '/usr/bin:/bin' };
  const { status, stdout, stderr } = spawnSync('/bin/sh', [join(dir, 'verify.sh'), ...args], { encoding: 'utf8', env });
  return { exit: status, said: stdout + stderr };
}

function statement(dir: string, file: string) {
  const envelope = JSON.parse(readFileSync(join(dir, 'notes', file), 'utf8'));
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8'));
}

/** Replaces an envelope's line with what `change` returns. */
function spoil(dir: string, file: string, change: (line: string) => string): void {
  const path = join(dir, 'notes', file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

function member(line: string, name: 'payload' | 'sig'): string {
  return new RegExp(`"${name}":"([^"]*)"`).exec(line)?.[1] ?? '';
}

const resultOf = (run: string) => `${run}.test-result.json`;

describe('the statements of a trail', () => {
  it("can be verified under the trail's keys with openssl alone, by the script or the README's lines", async () => {
    const dir = await exported();
    const whole = verify(dir);
    expect(whole.said).toMatch(/^all \d+ statements verify$/m);
    expect(whole.exit).toBe(0);
    expect(whole.said.match(/^good {3}/gm)).toHaveLength(readdirSync(join(dir, 'notes')).length);

    const allowed = join(dir, '..', 'allowed');
    writeFileSync(allowed, `${git(the.story.hub.dir, ['show', 'trail:machine-docs/allowed_signers'])}\n`);
    expect(verify(dir, allowed).exit).toBe(0);
    const known = readFileSync(allowed, 'utf8');
    const rotatedOut = known.replace(/^(runner@\S+ namespaces="git")/m, '$1,valid-before="20260611200000Z"');
    for (const other of [known.replace(/^runner@.*$/m, ''), rotatedOut]) {
      writeFileSync(allowed, other);
      expect(verify(dir, allowed)).toMatchObject({ exit: 1, said: expect.stringMatching(/WRONG {2}runner\.pem/) });
    }

    const lines = /## Verify one by hand\n\n((?: {4}.*\n)+)/.exec(readFileSync(join(dir, 'README.md'), 'utf8'))?.[1];
    expect(execFileSync('/bin/sh', ['-euc', lines ?? 'exit 1'], { cwd: dir, encoding: 'utf8' })).toMatch(
      /Signature Verified Successfully/,
    );
  });

  it('name commit, tree, tests, plan and recipe as in-toto and SLSA do; those of gates also name inputs', async () => {
    const dir = await exported();
    const { shas, runs, ids, hub } = the.story;
    const tree = git(hub.dir, ['rev-parse', `${shas.second}^{tree}`]);
    const subject = [
      { name: 'main', digest: { gitCommit: shas.second, sha1: shas.second } },
      { name: 'main tree', digest: { gitTree: tree } },
    ];
    const result = statement(dir, resultOf(runs.again));
    expect(result).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject,
      predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
      predicate: {
        result: 'PASSED',
        passedTests: ['tests/old.test.js > stays', 'tests/new.test.js > both are kept'],
        warnedTests: [],
        failedTests: [],
        configuration: [{ name: 'recipe app' }, { name: 'plan notes' }],
        'coldpass:run': {
          run: runs.again,
          outcome: 'PASS',
          purpose: { kind: 'gate', claim: ids.again, gate: 'M1', k: 1 },
        },
      },
    });
    const summary = statement(dir, 'M1.vsa.json');
    expect(summary).toMatchObject({
      subject,
      predicateType: 'https://slsa.dev/verification_summary/v1',
      predicate: {
        resourceUri: resource,
        verifier: { id: `coldpass:${hub.root}#supervisor` },
        verificationResult: 'PASSED',
        verifiedLevels: ['COLDPASS_GATE_HOLDS'],
        slsaVersion: '1.2',
        'coldpass:gate': { gate: 'M1', phase: 'notes', claim: ids.again, verdict: ids.pass, waived: [] },
      },
    });
    const plan = git(hub.dir, ['show', 'trail:machine-docs/plan-phase-notes.md']);
    expect(summary.predicate.policy.digest).toEqual({ sha256: digestOf(`${plan}\n`) });
    expect(result.predicate.configuration[1].digest).toEqual(summary.predicate.policy.digest);
    for (const { name, digest } of summary.predicate.inputAttestations)
      expect(digest.sha256).toBe(digestOf(readFileSync(join(dir, 'notes', name))));
    const rests = (file: string) =>
      statement(dir, file).predicate.inputAttestations.map(({ name }: { name: string }) => name);
    expect(rests('M1.vsa.json')).toContain(resultOf(runs.again));
    expect(rests('M1.vsa.json')).not.toContain(resultOf(runs.gate));
    expect(rests('DONE.vsa.json')).toContain('M1.vsa.json');
  });

  it('say PASSED for a control that bites, FAILED for a red reproducer; uncounted runs get no statement', async () => {
    const dir = await exported();
    const files = readdirSync(join(dir, 'notes')).filter((file) => file.startsWith('r-'));
    const predicates = files.map((file) => statement(dir, file).predicate);
    const of = (kind: string) => predicates.filter((one) => one['coldpass:run'].purpose.kind === kind);
    expect(of('control').map(({ result, failedTests }) => [result, failedTests])).toEqual([
      ['PASSED', []],
      ['PASSED', []],
    ]);
    expect(of('control')[0]['coldpass:run']).toMatchObject({ outcome: 'FAIL', control: { result: 'BITES' } });
    expect(new Set(of('reproducer').map(({ result }) => result))).toEqual(new Set(['PASSED', 'FAILED']));
    expect(files).not.toContain(resultOf('r-ffffffffffff')); // this run was lost in a crash
  });

  it('have the same bytes each time', async () => {
    const [one, other] = [await exported(), await exported()];
    const list = (dir: string) =>
      readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
    expect(list(one).sort()).toEqual(list(other).sort());
    for (const file of list(one)) expect(readFileSync(join(one, file)), file).toEqual(readFileSync(join(other, file)));
  });
});

describe('verification after tampering', () => {
  it.for<[string, RegExp, (dir: string) => void]>([
    [
      'a flipped byte of the payload',
      /WRONG {2}notes\/r-\w+\.test-result\.json: its signature is not the runner's signature over these bytes/,
      (dir) =>
        spoil(dir, resultOf(the.story.runs.again), (line) => {
          const bytes = Buffer.from(member(line, 'payload'), 'base64');
          bytes[bytes.indexOf('PASSED')] = 'p'.charCodeAt(0);
          return line.replace(member(line, 'payload'), bytes.toString('base64'));
        }),
    ],
    [
      'a signature from another run',
      /r-\w+\.test-result\.json: its signature is not the runner's signature over these bytes/,
      (dir) => {
        const other = readFileSync(join(dir, 'notes', resultOf(the.story.runs.gate)), 'utf8');
        spoil(dir, resultOf(the.story.runs.again), (line) => line.replace(member(line, 'sig'), member(other, 'sig')));
      },
    ],
    [
      'the statement of one run under the name of another',
      /r-\w+\.test-result\.json: does not contain "run":"r-\w+"/,
      (dir) =>
        cpSync(join(dir, 'notes', resultOf(the.story.runs.gate)), join(dir, 'notes', resultOf(the.story.runs.again))),
    ],
    [
      'the statement of one gate under the name of another',
      /M1\.vsa\.json: does not contain "gate":"M1"/,
      (dir) => cpSync(join(dir, 'notes', 'DONE.vsa.json'), join(dir, 'notes', 'M1.vsa.json')),
    ],
    [
      'the removal of a run that a gate rests on',
      /M1\.vsa\.json: rests on another r-\w+\.test-result\.json than the one in this folder/,
      (dir) => rmSync(join(dir, 'notes', resultOf(the.story.runs.again))),
    ],
    [
      "a summary signed with the runner's key",
      /M1\.vsa\.json: its signature is not the supervisor's signature over these bytes/,
      (dir) => cpSync(join(dir, 'runner.pem'), join(dir, 'supervisor.pem')),
    ],
    [
      'an envelope that two programs could read differently',
      /M1\.vsa\.json: is not an envelope in the form/,
      (dir) => spoil(dir, 'M1.vsa.json', (line) => line.replace('{"payload"', '{"payload":"e30=","payload"')),
    ],
  ])('detects %s: the script names the file, and exits 1', async ([, said, attack]) => {
    const dir = await exported();
    attack(dir);
    const result = verify(dir);
    expect(result.said).toMatch(said);
    expect(result.exit).toBe(1);
  });

  it('is not needed if the audit of the trail fails: nothing is exported, and the first fault is named', async () => {
    const stateDir = dirname(copy().hub);
    writeFileSync(join(stateDir, 'heads.log'), `${'0'.repeat(40)}\n`, { flag: 'a' });
    const dir = join(tempDir(), 'statements');
    await expect(exportFrom(stateDir, dir)).rejects.toThrow(/the audit failed, so nothing is exported: /);
    expect(existsSync(dir)).toBe(false);
  });
});

describe('bad input to an export', () => {
  it('is refused in one line: missing keys, a wrong key, a folder that is not empty, or an unknown phase', async () => {
    const bare = dirname(copy().hub);
    rmSync(join(bare, 'keys'), { recursive: true });
    const dir = join(tempDir(), 'statements');
    await expect(exportFrom(bare, dir)).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(/^the runner's key is missing \(.*\); export where the supervisor runs/),
    });
    mkdirSync(join(bare, 'keys'));
    generateKey(join(bare, 'keys', 'runner'), 'runner@coldpass');
    await expect(exportFrom(bare, dir)).rejects.toThrow(/has no private half of the runner's key SHA256/);
    await expect(exportFrom(the.story.stateDir, dir, 'other')).rejects.toThrow(/there is no phase other; .*notes/);
    expect(existsSync(dir)).toBe(false);
    writeFileSync(join(bare, 'full'), '');
    await expect(exportFrom(the.story.stateDir, bare)).rejects.toThrow(/is not empty/);
  });
});
