// C: evidence that somebody who sits at the machine, with every key of the loop, would put on the trail himself. What the
// supervisor would never say is refused to whoever says it: by the funnel here, and by the audit where it was written past it.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../../state/audit.ts';
import type { Facts, Intent } from '../../state/entry.ts';
import { Refused } from '../../state/errors.ts';
import { gateReport } from '../../state/gate.ts';
import { changedPaths } from '../../state/git.ts';
import type { EntryId, GateId, RunId, SessionId, Sha } from '../../state/ids.ts';
import { judgeKept } from '../../state/kept.ts';
import type { Phase } from '../../state/phase.ts';
import type { RunRecord } from '../../state/record.ts';
import { changedTests, judgeRevert } from '../../state/revert.ts';
import { failed, passed, record } from '../support/records.ts';
import { addCommits, makeHub } from '../support/repo.ts';
import { harnessText, M1, openPhase, openWriter, phaseId, pinned, type Writer } from '../support/writer.ts';
import type { Attack, Outcome, Refusal, Twin } from './case.ts';

const before = { 'src/keep.js': 'export {};\n', 'tests/old.test.js': '// old\n', 'runner.config.js': harnessText };
const work = { 'src/keep.js': 'export const one = 1;\n', 'tests/new.test.js': '// new\n' };
const old = passed('tests/old.test.js > stays');
const fresh = passed('tests/new.test.js > both are kept');

/** A phase with a claim of M1 on its trail, and what can be said of it. */
type Scene = {
  writer: Writer;
  builder: SessionId;
  claim: EntryId;
  sha: Sha;
  /** Runs that the claim rests on, once `green` made them. */
  runs: RunId[];
  green(parts?: { sandbox?: RunRecord['sandbox'] }): Promise<void>;
};

/** What is said last must be refused; what was done before it must be taken. */
type Tale = (scene: Scene) => Promise<Intent>;

/** `asks`: for what is said to be taken, or besides for the gate to want nothing more than a verdict. */
async function told(dir: string, tale: Tale, asks: 'words' | 'gate' = 'words'): Promise<Outcome> {
  const made = await makeHub([before], mkdtempSync(join(dir, 'machine-')));
  const writer = await openWriter(made);
  try {
    await openPhase(writer);
    const why = await refusalOf(writer, await tale(await sceneOf(writer)));
    const report = gateReport(phaseOf(writer), M1, Date.parse('2026-06-11T22:00:00Z'));
    const unmet = report.conditions.find(({ met }) => !met);
    const refusals: Refusal[] = [
      ...(why === null ? [] : [{ by: 'funnel' as const, why }]),
      ...(unmet ? [{ by: `gate: ${unmet.name}` as Refusal['by'], why: unmet.unmet.join('; ') }] : []),
    ];
    const seen = await audit({ hub: made.hub.dir, headsLog: join(made.stateDir, 'heads.log') });
    const isGreen = unmet === undefined || unmet.name === 'verdict';
    return { accepted: why === null && (asks === 'words' || isGreen), refusals, audit: seen };
  } finally {
    await writer.trail.close();
  }
}

async function refusalOf(writer: Writer, intent: Intent): Promise<string | null> {
  try {
    await writer.append(intent);
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

async function sceneOf(writer: Writer): Promise<Scene> {
  const { made, claim: claims, run, wake } = writer;
  const [sha] = addCommits(made.hub.dir, `refs/heads/phase/${phaseId}`, [work], made.base) as [Sha];
  const builder = await wake('builder', { kind: 'work' });
  const claim = await claims(builder, M1, sha);
  const reference = await run({ kind: 'base', recipe: pinned.name, k: 1 }, made.base, { tests: [old] });
  const runs: RunId[] = [];
  const green: Scene['green'] = async (parts = {}) => {
    const own = await run({ kind: 'gate', claim, gate: M1, k: 1 }, sha, { tests: [old, fresh], ...parts });
    const changed = await changedPaths(made.hub.dir, made.base, sha);
    const changedTestFiles = changedTests(changed, pinned.recipe.tests);
    const tests = [old, failed(fresh.id)];
    const purpose = { kind: 'control' as const, claim, gate: M1, control: 'revert' as const, reference: made.base };
    const asRun = record({ purpose, outcome: 'FAIL', tests });
    const control = judgeRevert({ reference, claim: own, control: asRun, changedTestFiles });
    const reverted = await run(purpose, sha, { outcome: 'FAIL', tests, control });
    const keeps = { kind: 'kept' as const, claim, recipe: pinned.name, from: made.base };
    const again = record({ purpose: keeps, tests: [old] });
    const kept = judgeKept({ earlier: [reference], claim: own, kept: again, supersedes: [] });
    const held = await run(keeps, sha, { tests: [old], kept });
    runs.push(own.run, reverted.run, held.run);
  };
  return { writer, builder, claim, sha, runs, green };
}

function phaseOf({ trail }: Writer): Phase {
  return trail.state.phases[phaseId] as Phase;
}

function verdict({ claim }: Scene, session: SessionId, more: Partial<Facts<'verdict'>> = {}): Intent {
  const facts = {
    ...{ session, gate: M1, claim, verdict: 'UNVERIFIED' as const, runs: [], findings: [], checks: [], closes: [] },
    ...more,
  };
  return { kind: 'verdict', role: 'adversary', phase: phaseId, facts, body: 'Fine.' };
}

/** The run that the claim's own gate run was, said again with something changed. */
function rerun({ writer, claim }: Scene, change: (facts: Facts<'run'>) => Partial<Facts<'run'>>): Intent {
  const run = phaseOf(writer).runs.find(({ purpose }) => purpose.kind === 'gate' && purpose.claim === claim);
  if (!run) throw new Error('the claim has no run');
  const { id: _, atMs: __, sha, tree, ...rest } = run;
  const facts = { ...rest, shas: { main: sha }, trees: tree ? { main: tree } : {}, results: null } as Facts<'run'>;
  return { kind: 'run', role: 'runner', phase: phaseId, facts: { ...facts, ...change(facts) }, body: '' };
}

async function claimAgain({ writer, builder, sha }: Scene, change: Partial<Facts<'claim'>>): Promise<Intent> {
  const [first] = phaseOf(writer).claims;
  if (!first) throw new Error('there is no claim');
  const facts = {
    ...{ session: builder, gate: M1, shas: { main: sha }, trees: { main: first.tree }, descends: [first.id] },
    ...{ precedes: [], references: first.references, keeps: first.keeps, expects: first.expects, touches: [] },
    ...{ functions: {}, ...change },
  };
  return { kind: 'claim', role: 'builder', phase: phaseId, facts, body: 'Again.' } as unknown as Intent;
}

const withdrawn = ({ writer, builder, claim }: Scene) =>
  writer.append({
    ...{ kind: 'close', role: 'builder', phase: phaseId, body: 'Not yet.' },
    facts: { session: builder, target: claim, as: 'withdrawn', answers: [] },
  });

const another = 'e'.repeat(40) as Sha;

function refused(rows: string, title: string, because: RegExp, tale: Tale): Attack {
  return { rows, title, refusedBy: 'funnel', because, play: (dir) => told(dir, tale) };
}

export const machineAttacks: Attack[] = [
  refused('32', 'a verdict while the evidence is not green', /is running, not green/, async (scene) =>
    verdict(scene, await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim })),
  ),
  refused('35', 'a verdict by a session that began before the claim turned green', /began before/, async (scene) => {
    const session = await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim });
    await scene.green();
    return verdict(scene, session);
  }),
  refused('35', 'a verdict by a session that was not shown the runs', /was not shown r-/, async (scene) => {
    await scene.green();
    return verdict(scene, await scene.writer.wake('adversary', { kind: 'judge', claim: scene.claim }));
  }),
  refused('38', 'a verdict in the Builder’s session', /not known to the trail/, async (scene) => {
    await scene.green();
    return verdict(scene, scene.builder);
  }),
  refused('27', 'a check that cites a run which never was', /which is no run on the trail/, async (scene) => {
    await scene.green();
    const cites = [{ run: 'r-0123456789ab' as RunId }];
    return verdict(scene, await judge(scene), { checks: [{ clause: '1.1', saw: 'it', cites }] });
  }),
  refused('48', 'a PASS without a word of what was served', /which diff was served/, async (scene) => {
    await scene.green();
    const checks = [{ clause: '1.1', saw: 'it', cites: [{ run: scene.runs[0] as RunId }] }];
    return verdict(scene, await judge(scene), { verdict: 'PASS', checks });
  }),
  refused('19', 'DONE, while it does not hold', /DONE does not hold/, async ({ claim, sha, green }) => {
    await green();
    return { kind: 'phase', role: 'supervisor', phase: phaseId, facts: { event: 'done', claim, sha }, body: '' };
  }),
  refused('28', 'a run of another commit than the claim’s', /is not of the SHA that/, async (scene) => {
    await scene.green();
    return rerun(scene, () => ({ run: 'r-0123456789ab' as RunId, shas: { main: another } }));
  }),
  refused('15', 'a run of another recipe than was pinned', /not of a recipe that the phase pinned/, async (scene) => {
    await scene.green();
    const recipeDigest = 'e'.repeat(64) as Facts<'run'>['recipeDigest'];
    return rerun(scene, () => ({ run: 'r-0123456789ab' as RunId, recipeDigest }));
  }),
  refused('25', 'one run counted twice', /is on the trail already/, async (scene) => {
    await scene.green();
    return rerun(scene, () => ({}));
  }),
  refused('6', 'a claim that names another commit to compare with', /references are not those/, async (scene) => {
    await withdrawn(scene);
    return claimAgain(scene, { references: { [M1]: scene.sha } as Record<GateId, Sha> });
  }),
  refused('1', 'a claim that keeps no earlier tests', /whose tests must hold/, async (scene) => {
    await withdrawn(scene);
    return claimAgain(scene, { keeps: { [pinned.name]: [] } });
  }),
  refused('38', 'words of a session that has ended', /has ended/, async (scene) => {
    await scene.writer.end(scene.builder, 'builder');
    return {
      ...{ kind: 'note', role: 'builder', phase: phaseId, body: '' },
      facts: { session: scene.builder, title: 'x' },
    };
  }),
  {
    ...{ rows: '17', title: 'a run outside the sandbox', refusedBy: 'gate: runs', because: /ran outside the sandbox/ },
    play: (dir) =>
      told(
        dir,
        async (scene) => {
          await scene.green({ sandbox: { level: 'none', uid: 'shared', selfTest: null } as RunRecord['sandbox'] });
          return noted(scene);
        },
        'gate',
      ),
  },
];

export const machineTwins: Twin[] = [
  {
    title: 'a verdict by a session that was shown all of it',
    play: (dir) =>
      told(
        dir,
        async (scene) => {
          await scene.green();
          return verdict(scene, await judge(scene));
        },
        'gate',
      ),
  },
  {
    title: 'a claim made again with what it is held against',
    play: (dir) =>
      told(dir, async (scene) => {
        await withdrawn(scene);
        return claimAgain(scene, {});
      }),
  },
];

function judge({ writer, claim, runs }: Scene): Promise<SessionId> {
  return writer.wake('adversary', { kind: 'judge', claim }, runs);
}

function noted({ builder }: Scene): Intent {
  return { kind: 'note', role: 'builder', phase: phaseId, facts: { session: builder, title: 'x' }, body: '' };
}
