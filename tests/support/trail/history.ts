// Makes random honest trails through the real funnel: whatever a Builder, an Adversary, a runner and an operator may
// do, in any order. A step that the rules refuse is left out. The trail is then taken apart into steps, so that
// `mutant.ts` can spoil copies.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../state/entry/digest.ts';
import type { Intent } from '../../../state/entry/entry.ts';
import { Refused } from '../../../state/entry/errors.ts';
import type { AgentRole, EntryId, SessionId, Sha } from '../../../state/entry/ids.ts';
import { fc } from '../property.ts';
import { addCommits, git, makeHub } from '../repo.ts';
import { type Step, stepsOf } from './forge.ts';
import { honestPhase } from './phase.ts';
import { passed } from './records.ts';
import { M1, type Made, openPhase, openWriter, phaseId, type Writer } from './writer.ts';

const stepsMin = 12;
const stepsMax = 30;

/** Steps that a script may contain. */
const happenings = [
  'note',
  'review',
  'item',
  'journal',
  'decision',
  'two notes',
  'finding',
  'veto',
  'claim',
  'gate run',
  'trial run',
  'operator note',
  'retract',
  'publish',
  'new session',
] as const;
type Happening = (typeof happenings)[number];

/** An honest trail, with everything that is needed to make a mutant of it. */
export type History = Made & {
  /** All commits, oldest first. */
  chain: Sha[];
  /** What each commit except the first appends: `steps[n]` belongs to `chain[n + 1]`. */
  steps: Step[];
  /** The lines of heads.log, including the one for the first commit. */
  heads: string[];
  refs: { main: Sha; phase: Sha };
};

/** A random script; the same seed gives the same script. */
export const anyScript: fc.Arbitrary<Happening[]> = fc.array(fc.constantFrom(...happenings), {
  minLength: stepsMin,
  maxLength: stepsMax,
});

/** Plays a script in `dir` and returns its history, which always begins with two runs. */
export async function historyOf(script: Happening[], dir: string): Promise<History> {
  const made = await makeHub([{ 'src/keep.js': 'export {};\n', 'tests/old.test.js': '// old\n' }], dir);
  const writer = await openWriter(made);
  try {
    await openPhase(writer);
    const stage = await openStage(writer);
    for (const what of ['trial run', 'trial run', ...script] as Happening[]) await play(stage, what);
  } finally {
    await writer.trail.close();
  }
  return takenApart(made);
}

/** The story that ends with DONE, as a history. */
export async function storyOf(dir: string): Promise<History> {
  return takenApart(await honestPhase(dir));
}

async function takenApart(made: Made): Promise<History> {
  const { dir } = made.hub;
  git(dir, ['repack', '-adq']); // one pack, since git searches each pack for every object
  const chain = git(dir, ['rev-list', '--reverse', 'trail']).split('\n') as Sha[];
  const heads = readFileSync(join(made.stateDir, 'heads.log'), 'utf8').split('\n').filter(Boolean);
  const at = (branch: string) => git(dir, ['rev-parse', branch]) as Sha;
  const refs = { main: at('main'), phase: at(`phase/${phaseId}`) };
  return { ...made, chain, steps: await stepsOf(made), heads, refs };
}

/** The sessions that are awake, and what they have done. */
type Stage = { writer: Writer; sessions: Record<AgentRole, SessionId>; head: Sha; claims: EntryId[]; told: number };

async function openStage(writer: Writer): Promise<Stage> {
  const sessions = {
    builder: await writer.wake('builder', { kind: 'work' }),
    adversary: await writer.wake('adversary', { kind: 'work' }),
  };
  return { writer, sessions, head: writer.made.base, claims: [], told: 0 };
}

async function play(stage: Stage, what: Happening): Promise<void> {
  stage.told++;
  try {
    await acts[what](stage);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

const acts: Record<Happening, (stage: Stage) => Promise<unknown>> = {
  note: (stage) => say(stage, 'builder', 'note'),
  review: (stage) => say(stage, 'adversary', 'note'),
  item: (stage) => say(stage, 'builder', 'item'),
  journal: (stage) => say(stage, 'builder', 'journal'),
  decision: (stage) => say(stage, stage.told % 2 ? 'builder' : 'adversary', 'decision'),
  'two notes': ({ writer, sessions, told }) =>
    writer.trail.append([1, 2].map((n) => words('builder', 'note', sessions.builder, `${told}, of two the ${n}.`))),
  finding,
  veto: ({ writer, sessions, told }) =>
    writer.append({
      kind: 'veto',
      role: 'adversary',
      phase: phaseId,
      body: '',
      facts: { session: sessions.adversary, title: `not so, ${told}`, until: ['it is so'] },
    } as Intent),
  claim,
  'gate run': gateRun,
  'trial run': ({ writer, head }) => writer.run({ kind: 'trial', by: 'operator' }, head, { tests }),
  'operator note': ({ writer, told }) => writer.act({ act: 'note', phase: phaseId, text: `Go on, ${told}.` } as never),
  retract,
  publish,
  'new session': async (stage) => {
    await stage.writer.end(stage.sessions.builder, 'builder');
    stage.sessions.builder = await stage.writer.wake('builder', { kind: 'work' });
  },
};

const tests = [passed('tests/old.test.js > stays'), passed('tests/new.test.js > is kept')];

function say({ writer, sessions, told }: Stage, role: AgentRole, kind: string): Promise<unknown> {
  return writer.append(words(role, kind, sessions[role], `${kind} ${told}`));
}

function words(role: AgentRole, kind: string, session: SessionId, title: string): Intent {
  return { kind, role, phase: phaseId, facts: { session, title }, body: 'Seen with my own eyes.' } as Intent;
}

async function finding({ writer, sessions, claims, told }: Stage): Promise<void> {
  const script = `test -f kept-${told}\n`;
  const file = digestOf(script);
  const facts = {
    session: sessions.adversary,
    gate: M1,
    claim: claims.at(-1) ?? null,
    title: `lost, ${told}`,
    fix: ['it is kept'],
    reproducer: { path: 'tests/again.sh', file, command: 'sh tests/again.sh' },
  };
  const blobs = [{ path: `blobs/${file}`, bytes: Buffer.from(script) }];
  await writer.append({ kind: 'finding', role: 'adversary', phase: phaseId, facts, body: '', blobs });
}

async function claim(stage: Stage): Promise<void> {
  const { writer, sessions, head, claims } = stage;
  claims.push(await writer.claim(sessions.builder, M1, head, { descends: [...claims] }));
}

/** Runs the newest claim's gate once: an honest supervisor makes no second run that counts. */
async function gateRun({ writer }: Stage): Promise<void> {
  const phase = writer.trail.state.phases[phaseId];
  const claimed = phase?.claims.at(-1);
  const isRun = phase?.runs.some(({ purpose }) => 'claim' in purpose && purpose.claim === claimed?.id);
  if (!claimed || isRun) return;
  await writer.run({ kind: 'gate', claim: claimed.id, gate: M1, k: 1 }, claimed.sha, { tests });
}

/** Retracts the Builder's newest open entry. */
async function retract({ writer, sessions }: Stage): Promise<void> {
  const things = writer.trail.state.phases[phaseId]?.writings ?? [];
  const target = things.findLast((thing) => thing.by === 'builder' && thing.closed === null)?.id;
  if (target === undefined) return;
  const facts = { session: sessions.builder, target, as: 'retracted' as const, answers: [] };
  await writer.append({ kind: 'close', role: 'builder', phase: phaseId, facts, body: '' });
}

/** One more commit on the phase's branch, recorded at the end of the Builder's session. */
async function publish(stage: Stage): Promise<void> {
  const { writer, told } = stage;
  const ref = `refs/heads/phase/${phaseId}`;
  const [sha] = addCommits(writer.made.hub.dir, ref, [{ 'src/keep.js': `export const n = ${told};\n` }]);
  stage.head = sha as Sha;
  await writer.end(stage.sessions.builder, 'builder', stage.head);
  stage.sessions.builder = await writer.wake('builder', { kind: 'work' });
}
