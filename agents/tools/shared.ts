// The tools that both roles have: work in the clone, look things up, write notes that decide nothing, stop.

import { z } from 'zod';
import { kinds, Trigger } from '../../state/entry/entry.ts';
import { DeferralName, EntryId, GateId, RunId, TreePath } from '../../state/entry/ids.ts';
import { refused, type Tool, tool } from './tool.ts';

const shellSecondsDefault = 120;
const shellSecondsMax = 1800;
const readLinesDefault = 400;
const readLinesMax = 2000;

export const Title = z.string().min(1).max(1000).describe('One line.');
export const Words = z
  .string()
  .min(1)
  .max(30_000)
  .describe('Markdown, without headings of depth 1 or 2 and without HTML.');

const shell = tool({
  name: 'shell',
  description:
    "Runs a command with sh in your clone's top folder, inside your sandbox: no credentials, and no network except what was granted. When the session ends, whatever still runs is ended; files stay. Standard output and standard error come back together with the exit code.",
  input: z.strictObject({
    command: z.string().min(1).max(20_000),
    seconds: z
      .number()
      .int()
      .positive()
      .max(shellSecondsMax)
      .default(shellSecondsDefault)
      .describe('After how many seconds the command is ended.'),
  }),
  evidence: true,
  rest: 'write the output to a file in /tmp and look at the part you need',
  run: ({ command, seconds }, { host, signal }) => host.shell(command, seconds, signal),
});

const read = tool({
  name: 'read',
  description: "Reads lines of a file of your clone. The path is relative to the clone's top folder.",
  input: z.strictObject({
    path: TreePath,
    from: z.number().int().positive().default(1).describe('First line, counted from 1.'),
    lines: z.number().int().positive().max(readLinesMax).default(readLinesDefault),
  }),
  evidence: true,
  rest: 'read on with a higher `from`, or fewer `lines`',
  run: ({ path, from, lines }, { host }) => host.read(path, { from, lines }),
});

const edit = tool({
  name: 'edit',
  description:
    'Changes a file of your clone: `find`, which must occur exactly once, becomes `text`. Without `find` the whole file is written (and created, with its folders, if it is missing).',
  input: z.strictObject({ path: TreePath, find: z.string().min(1).optional(), text: z.string() }),
  run: ({ path, find, text }, { host }) => host.edit(path, { find: find ?? null, text }),
});

const trail = tool({
  name: 'trail',
  description:
    'Looks things up on the trail: one entry by its number, the results of one run, or all entries of a kind, of a gate, or with certain words in them. What you were shown at the start is only a summary of it.',
  input: z.strictObject({
    entry: EntryId.optional(),
    run: RunId.optional().describe('r-… : stages, tests, failures and logs of that run.'),
    kind: z.enum(kinds).optional(),
    gate: GateId.optional(),
    words: z.string().min(1).max(200).optional(),
    from: EntryId.optional().describe('Only entries from this number on.'),
  }),
  evidence: true,
  rest: 'narrow the query, or go on with `from`',
  run(input, { host }) {
    const query = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
    if (Object.keys(query).length > 0) return host.trail(query);
    return Promise.resolve(refused('trail needs at least one of entry, run, kind, gate, words, from'));
  },
});

const log = tool({
  name: 'log',
  description:
    "Shows what was kept of a stage's output in a run, part by part: beginning and end, with how much was left out between them. Without `stage` it takes the first stage that failed, else the last.",
  input: z.strictObject({
    run: RunId,
    stage: z.string().min(1).max(60).optional(),
    part: z.number().int().positive().default(1).describe('Counted from 1.'),
  }),
  evidence: true,
  whole: true,
  run: ({ run, stage, part }, { host }) => host.log({ run, stage: stage ?? null, part }),
});

const note = tool({
  name: 'note',
  description:
    'Writes a note on the trail, for the other role and the operator. It decides nothing and is not progress.',
  input: z.strictObject({ title: Title, words: Words }),
  run: ({ title, words }, { host, signal }) => host.submit({ kind: 'note', facts: { title }, body: words }, signal),
});

const decide = tool({
  name: 'decide',
  description: 'Records a settled choice with its evidence, so that it is not made again. It binds nobody to a gate.',
  input: z.strictObject({ title: Title, words: Words }),
  run: ({ title, words }, { host, signal }) => host.submit({ kind: 'decision', facts: { title }, body: words }, signal),
});

const defer = tool({
  name: 'defer',
  description:
    'Parks work that lies outside the clauses of the gates, and names the trigger that brings the work back: by hand, on a date (UTC), or when a command exits with 0 in a fresh clone. When it fires, the operator is asked, and queues a plan for the work; the phase of that plan closes the deferral as done. What a gate covers cannot be deferred.',
  input: z.strictObject({
    name: DeferralName.describe('A short name, by which plans and later phases know it.'),
    title: Title,
    words: Words,
    trigger: Trigger,
    clauses: z
      .array(z.string().min(1).max(20))
      .max(50)
      .default([])
      .describe('The clauses that this work belongs to, by their numbers in the plan.'),
  }),
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'deferral', facts, body: words }, signal),
});

const wait = tool({
  name: 'wait',
  description:
    'Ends this session. You are woken, with a fresh memory, when something happens that concerns you. Use it when nothing is left that you can do now.',
  input: z.strictObject({ why: z.string().min(1).max(500) }),
  ends: 'waited',
  run: () => Promise.resolve({ ok: true, text: 'The session ends here.' }),
});

export const sharedTools: readonly Tool[] = [shell, read, edit, trail, log, note, decide, defer, wait];
