// Ways to change a trail, each with what an audit must report: the entry that it names first, or the file or branch if
// the change concerns no entry. Each takes an honest history, cut after some commit, and random numbers.

import type { Entry, EntryOf } from '../../../state/entry/entry.ts';
import type { EntryId, Role, Sha } from '../../../state/entry/ids.ts';
import { committerOf } from '../../../state/entry/policy.ts';
import type { Signer } from '../../../state/keys/sshsig.ts';
import { cloneSteps, type Step } from './forge.ts';
import type { History } from './history.ts';
import { type Draft, type Files, type Mutant, textOf } from './mutant.ts';

export type Mutated = Mutant & {
  /** First and last id of a range that must contain the first entry that the audit names. */
  entries?: [number, number];
  /** Must match one of the audit's problems. */
  what?: RegExp;
  /** Set if the trail itself does not show the change: only a head that somebody wrote down does. */
  needsWitness?: boolean;
};

/** `length`: how many commits the trail has after the first one. `at` and `how`: any numbers. */
export type Choice = { history: History; length: number; at: number; how: number; stranger: Signer };

const supervised = 6; // the commits that open the phase; every change comes after them

export const mutations: Record<string, (choice: Choice) => Mutated> = {
  'an old entry is edited': (choice) => {
    const { at, entry, path, from, to } = place(choice, 1);
    return choice.how % 2 === 0
      ? onTop(choice, entry, path, (bytes) => {
          const byte = from + (choice.how % (to - from));
          const edited = Buffer.from(bytes);
          edited[byte] = edited[byte] === 0x78 ? 0x79 : 0x78;
          return edited;
        })
      : anew(choice, at, (step) => ({ ...step, entries: step.entries.map(withOtherTime) }));
  },
  'an entry is deleted': (choice) => {
    const { at, entry, path, from, to } = place(choice, 1);
    const rest = cloneSteps(choice.history.steps.slice(at + 1, choice.length));
    const [first, last] = idsOf(choice, at);
    if (choice.how % 3 === 0) return onTop(choice, entry, path, (bytes) => cut(bytes, from, to));
    if (choice.how % 3 === 1) return { keep: at, drafts: rest, entries: [first, last + 1], what: /density: / };
    const by = last - first + 1;
    return { keep: at, drafts: rest.map((step) => renumbered(step, by)), entries: [first, last], needsWitness: true };
  },
  'two entries change places': (choice) => {
    const { at, entry, path, from, to } = place(choice, 2);
    const next = nextIn(choice, path, to);
    if (choice.how % 2 === 0 && next !== null)
      return onTop(choice, entry, path, (bytes) =>
        Buffer.concat([
          bytes.subarray(0, from),
          bytes.subarray(to, next),
          bytes.subarray(from, to),
          bytes.subarray(next),
        ]),
      );
    const steps = choice.history.steps.slice(0, choice.length);
    const [one, other] = steps.slice(at, at + 2) as [Step, Step];
    return { keep: at, drafts: [other, one, ...steps.slice(at + 2)], entries: idsOf(choice, at), what: /density: / };
  },
  'a file is renamed': (choice) => {
    const { path } = place(choice, 1);
    const other = path.replace(/\.md$/, choice.how % 2 === 0 ? '.2.md' : '-old.md');
    return atEnd(choice, path, /is removed or renamed/, (files) => {
      files.set(other, files.get(path) as { bytes: Buffer; mode: string });
      files.delete(path);
    });
  },
  'a file gets another mode': (choice) => {
    const { path } = place(choice, 1);
    const mode = choice.how % 2 === 0 ? '100755' : '120000';
    return atEnd(choice, path, /has the mode/, (files) => {
      files.set(path, { bytes: (files.get(path) as { bytes: Buffer }).bytes, mode });
    });
  },
  'an entry is removed by a revert': (choice) => {
    const { at, step } = place(choice, 1);
    const [first] = idsOf(choice, at);
    const isNew = (path: string) => choice.history.steps.findIndex(appendsTo(path)) === at;
    const edit = (files: Files) => {
      for (const path of step.stored.keys()) files.delete(path);
      for (const { path, entry } of step.entries) {
        const { bytes, mode } = files.get(path) as { bytes: Buffer; mode: string };
        if (isNew(path)) files.delete(path);
        else files.set(path, { bytes: bytes.subarray(0, bytes.length - textOf(entry).length), mode });
      }
    };
    const revert: Draft = { role: step.role, entries: [], stored: new Map(), edit, subject: 'Revert' };
    const drafts = [revert, ...choice.history.steps.slice(at + 1, choice.length)];
    const isGone = step.entries.some(({ path }) => isNew(path));
    return { keep: at + 1, drafts, ...(isGone ? { what: /is removed or renamed/ } : { entries: [first, first] }) };
  },
  'the tail is rewritten': (choice) => {
    const { at } = place(choice, 1);
    return anew(choice, at, (step) => ({ ...step, subject: 'another' }));
  },
  'a merge is added': (choice) => {
    const { at } = place(choice, 1);
    const { chain, refs } = choice.history;
    const other = choice.how % 2 === 0 ? refs.main : (chain[choice.how % at] as Sha);
    const drafts = choice.history.steps.slice(at, choice.length).map((step): Draft => ({ ...step }));
    (drafts[0] as Draft).parents = [other];
    return { keep: at, drafts, entries: [idsOf(choice, at)[0], idsOf(choice, at)[0]], what: /merge/ };
  },
  'a branch is deleted': (choice) => {
    const name = ['trail', 'main', 'phase/notes'][choice.how % 3] as string;
    const what = new RegExp(`\\b${name}\\b.* is (missing|gone)`);
    return { keep: choice.length, drafts: [], refs: { [name]: null }, what };
  },
  'a commit is signed with another key': (choice) => {
    const { at, step } = place(choice, 1);
    const others = (Object.keys(choice.history.signers) as Role[]).filter((role) => role !== step.role);
    const signer =
      choice.how % 2 === 0 ? choice.stranger : choice.history.signers[oneOf(others, choice.how >> 1) as Role];
    const drafts = choice.history.steps.slice(at, choice.length).map((one): Draft => ({ ...one }));
    (drafts[0] as Draft).signer = signer;
    return { keep: at, drafts, entries: [idsOf(choice, at)[0], idsOf(choice, at)[1]], what: /signature: |role: / };
  },
  'an entry is in another role’s file': (choice) => {
    const { at, entry, path } = place(choice, 1);
    const owners: [string, Role][] = [
      ['STATUS-notes.md', 'supervisor'],
      ['REVIEW-notes.md', 'adversary'],
      ['JOURNAL-notes.md', 'builder'],
      ['SESSIONS-notes.md', 'supervisor'],
      ['RUNS-notes.md', 'runner'],
      ['OPERATOR.md', 'supervisor'],
    ];
    const others = owners.filter(([name]) => !path.endsWith(name));
    const [file, owner] = oneOf(others, choice.how >> 1) as [string, Role];
    const drafts = cloneSteps(choice.history.steps.slice(at, choice.length)) as Draft[];
    const [first] = drafts as [Draft];
    for (const one of first.entries) if (one.entry.id === entry.id) one.path = `machine-docs/${file}`;
    if (choice.how % 2 === 1) first.role = owner;
    return { keep: at, drafts, entries: idsOf(choice, at), what: /role: / };
  },
  'an act is replayed': (choice) => {
    const acts = entriesOf(choice).filter((entry): entry is EntryOf<'act'> => entry.kind === 'act');
    const act = oneOf(acts, choice.how) as Entry;
    const id = (entriesOf(choice).length + 1) as EntryId;
    const at = entriesOf(choice).at(-1)?.at as Entry['at'];
    const again = { path: 'machine-docs/OPERATOR.md', entry: { ...act, id, at } as Entry };
    const draft: Draft = { role: committerOf('operator'), entries: [again], stored: new Map() };
    return { keep: choice.length, drafts: [draft], entries: [id, id], what: /was used before/ };
  },
  'the results of two runs are exchanged': (choice) => {
    const steps = cloneSteps(choice.history.steps.slice(0, choice.length));
    const runs = steps.filter(({ stored }) => [...stored.keys()].some((path) => path.endsWith('/results.json')));
    const one = choice.at % runs.length;
    const other = (one + 1 + (choice.how % (runs.length - 1))) % runs.length;
    const [a, b] = [runs[Math.min(one, other)], runs[Math.max(one, other)]] as [Step, Step];
    const [pathA, bytesA] = [...a.stored][0] as [string, Buffer];
    const [pathB, bytesB] = [...b.stored][0] as [string, Buffer];
    a.stored.set(pathA, bytesB);
    b.stored.set(pathB, bytesA);
    const id = a.entries[0]?.entry.id as number;
    const at = steps.indexOf(a);
    return {
      keep: at,
      drafts: steps.slice(at),
      entries: [id, id],
      what: /has the digest .* the entry names|no entry of its commit names/,
    };
  },
  'stored bytes are replaced later': (choice) => {
    const steps = choice.history.steps.slice(0, choice.length);
    const step = oneOf(
      steps.filter(({ stored }) => stored.size > 0),
      choice.at,
    ) as Step;
    const path = oneOf([...step.stored.keys()], choice.how) as string;
    return atEnd(choice, path, /stored files never change/, (files) => {
      files.set(path, { bytes: Buffer.from('{}\n'), mode: '100644' });
    });
  },
  'the tail is cut': (choice) => {
    const at = supervised + (choice.at % (choice.length - supervised));
    const [first] = idsOf(choice, at);
    return { keep: at, drafts: [], entries: [first, first], needsWitness: true };
  },
};

/** Picks a commit after the opening, with `after` or more commits behind it; locates that commit's first entry. */
function place(choice: Choice, after: number) {
  const { history, length } = choice;
  const at = supervised + (choice.at % (length - supervised - after));
  const step = history.steps[at] as Step;
  const { entry, path } = step.entries[0] as Step['entries'][number];
  const earlier = history.steps.slice(0, at).flatMap(({ entries }) => entries.filter((one) => one.path === path));
  const from = earlier.reduce((sum, one) => sum + textOf(one.entry).length, 0);
  return { at, step, entry, path, from, to: from + textOf(entry).length };
}

/** Where the next entry in the same file ends; null if there is none. */
function nextIn({ history, length }: Choice, path: string, from: number): number | null {
  let end = 0;
  for (const { entry } of history.steps
    .slice(0, length)
    .flatMap(({ entries }) => entries.filter((one) => one.path === path))) {
    end += textOf(entry).length;
    if (end > from) return end;
  }
  return null;
}

/** Adds a commit at the end that changes the old bytes of an entry. */
function onTop(choice: Choice, entry: Entry, path: string, change: (bytes: Buffer) => Buffer): Mutated {
  const edit = (files: Files) => {
    const { bytes, mode } = files.get(path) as { bytes: Buffer; mode: string };
    files.set(path, { bytes: change(bytes), mode });
  };
  const draft: Draft = { role: committerOf(entry.role), entries: [], stored: new Map(), edit };
  return { keep: choice.length, drafts: [draft], entries: [entry.id, entry.id], what: /prefix: / };
}

/** Adds a commit at the end that changes a file, which the audit must name. */
function atEnd(choice: Choice, path: string, what: RegExp, edit: (files: Files) => void): Mutated {
  const { role } = choice.history.steps.find(touches(path)) as Step;
  const named = new RegExp(`${path.replaceAll('.', '\\.')}.*${what.source}`);
  const draft: Draft = { role, entries: [], stored: new Map(), edit };
  return { keep: choice.length, drafts: [draft], what: named };
}

/** Changes commit `at`, and makes it and all later commits again with the roles' keys. */
function anew(choice: Choice, at: number, change: (step: Step) => Draft): Mutated {
  const [first, ...rest] = choice.history.steps.slice(at, choice.length) as [Step, ...Step[]];
  return { keep: at, drafts: [change(first), ...rest], entries: idsOf(choice, at), needsWitness: true };
}

function withOtherTime({ path, entry }: Step['entries'][number]): Step['entries'][number] {
  const at = new Date(Date.parse(entry.at) + 1000).toISOString().replace('.000', '');
  return { path, entry: { ...entry, at } as Entry };
}

function renumbered(step: Step, by: number): Step {
  const entries = step.entries.map(({ path, entry }) => ({ path, entry: { ...entry, id: entry.id - by } as Entry }));
  return { ...step, entries };
}

function cut(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

/** The ids of the first and the last entry of a step. */
function idsOf({ history }: Choice, at: number): [number, number] {
  const ids = (history.steps[at] as Step).entries.map(({ entry }) => entry.id);
  return [ids[0] as number, ids.at(-1) as number];
}

function entriesOf({ history, length }: Choice): Entry[] {
  return history.steps.slice(0, length).flatMap(({ entries }) => entries.map(({ entry }) => entry));
}

function appendsTo(path: string): (step: Step) => boolean {
  return ({ entries }) => entries.some((one) => one.path === path);
}

function touches(path: string): (step: Step) => boolean {
  return (step) => step.stored.has(path) || appendsTo(path)(step);
}

function oneOf<T>(list: T[], choice: number): T | undefined {
  return list[choice % list.length];
}
