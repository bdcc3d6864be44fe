// The Adversary's own tools: look at a commit cold, file what is wrong, give one verdict. Each check of a verdict cites
// runs, or results of this session by their number; the tool adds the digest of each result cited.

import { z } from 'zod';
import { type Cite, PatchEdit, reproducerBytesMax, sabotageEditsMax } from '../../state/entry/entry.ts';
import { EntryId, GateId, RecipeName, RunId, Sha, TreePath } from '../../state/entry/ids.ts';
import { Title, Words } from './shared.ts';
import { type CallContext, refused, type Tool, tool } from './tool.ts';

const OneLine = z.string().min(1).max(1000);
const CiteInput = z.union([
  z.strictObject({ run: RunId }).describe('A run that you were shown or looked up.'),
  z
    .strictObject({ call: z.number().int().positive() })
    .describe('The number of a result of this session: [call 7] is 7.'),
]);
const CheckInput = z.strictObject({
  clause: z.string().min(1).max(20).describe('As the plan numbers it.'),
  saw: OneLine.describe('What you observed, concretely. "Should work" is no observation.'),
  cites: z.array(CiteInput).min(1).max(20),
});
type CheckInput = z.infer<typeof CheckInput>;

const diff = tool({
  name: 'diff',
  description:
    'Shows, part by part, the diff of the claim that you judge; the supervisor made it from the published commits. Your first message says how many parts there are. A PASS is accepted only once every part was shown to you in this session.',
  input: z.strictObject({ part: z.number().int().positive().describe('Counted from 1.') }),
  evidence: true,
  whole: true,
  run: ({ part }, { host }) => host.diff(part),
});

const runCold = tool({
  name: 'run_cold',
  description:
    'A trial: a cold run of a published commit, in the same way as for a claim. Recorded, never counted. Without `sha` it takes the newest published commit.',
  input: z.strictObject({ sha: Sha.optional(), recipe: RecipeName.optional() }),
  evidence: true,
  rest: 'look the run up with trail',
  run: ({ sha, recipe }, { host, signal }) => host.trial({ sha: sha ?? null, recipe: recipe ?? null }, signal),
});

const verdict = tool({
  name: 'verdict',
  description:
    'Your one word on a green claim; it ends the session. PASS needs every part of the diff shown to you, a check for every clause that the gate covers, and an answer in `closes` to every open finding of the gate, criterion by criterion. FAIL names open findings that block, so file them first. UNVERIFIED means that you could not tell; say why.',
  input: z.strictObject({
    claim: EntryId,
    verdict: z.enum(['PASS', 'FAIL', 'UNVERIFIED']),
    checks: z.array(CheckInput).max(400).default([]),
    findings: z.array(EntryId).max(50).default([]).describe('FAIL: the findings it rests on.'),
    closes: z
      .array(z.strictObject({ finding: EntryId, answers: z.array(OneLine).max(20) }))
      .max(50)
      .default([])
      .describe('PASS: for each open finding one answer to each criterion of its `fix`.'),
    words: Words.describe('What you verified, cold, and how.'),
  }),
  ends: 'finished',
  run({ claim, verdict: word, checks, findings, closes, words }, context) {
    const fault = citationFault(checks, context);
    if (fault !== null) return Promise.resolve(refused(`the verdict was not recorded: ${fault}`));
    const checksWithDigests = checks.map((check) => ({
      ...check,
      cites: check.cites.map((cite) => resolveCite(cite, context)),
    }));
    const facts = { claim, verdict: word, runs: runsOf(checks), findings, checks: checksWithDigests, closes };
    const seen = [...context.seen];
    return context.host.submit({ kind: 'verdict', facts, body: words, seen }, context.signal);
  },
});

const advice = tool({
  name: 'advice',
  description:
    'Answers a request that the Builder made to the operator: is what it asks for truly needed, and what can be tested without it? Your answer lifts nothing.',
  input: z.strictObject({ blocked: EntryId, words: Words }),
  run: ({ blocked, words }, { host, signal }) =>
    host.submit({ kind: 'advice', facts: { blocked }, body: words }, signal),
});

const finding = tool({
  name: 'finding',
  description:
    'Files an objection: what is wrong, what would still pass if the work were broken, and in `fix` the criteria by which it is closed. A finding with a reproducer is settled by code. A reproducer is one file, laid into the tree under the tests, and a command that exits 0 when all is well and 1 when the work is broken; any other exit says nothing. The reproducer runs at every later claim too; where it was not red, the finding does not block. Ten findings a session at most.',
  input: z.strictObject({
    gate: GateId,
    claim: EntryId.nullable().describe('The claim in which you found it; null if in none.'),
    title: Title,
    fix: z.array(OneLine).min(1).max(20).describe('Criteria, each of which can be checked.'),
    reproducer: z
      .strictObject({
        path: TreePath.describe('Where the file is laid: under the tests of the recipe.'),
        content: z
          .string()
          .min(1)
          .refine(fitsReproducer, `at most ${reproducerBytesMax / 1024} KiB`),
        command: z.string().min(1).max(2000),
      })
      .nullable()
      .default(null),
    words: Words,
  }),
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'finding', facts, body: words }, signal),
});

const sabotage = tool({
  name: 'sabotage',
  description:
    'Only when you were woken for it, because the controls of a claim say nothing. Hands in a patch to production files that the claim adds or changes; the patch must break what a clause asks for. The patched tree is run cold, and a test of the claim must fail on an assertion. If one does, the session ends; if none does, you may try another way, three times in all. A patch that breaks the syntax or the loading of the tests shows nothing.',
  input: z.strictObject({
    claim: EntryId,
    edits: z
      .array(PatchEdit)
      .min(1)
      .max(sabotageEditsMax)
      .describe('`find` occurs exactly once in the file as the claim has it, and becomes `replace`.'),
    words: Words.describe('Which clause the patch breaks, and how a test could tell.'),
  }),
  ends: 'finished',
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'sabotage', facts, body: words }, signal),
});

const veto = tool({
  name: 'veto',
  description:
    'A veto: blocks the whole phase until you or the operator lifts the veto. At most one in a session, and three standing at a time. For what no single gate covers: a danger, a deception. Say in `until` what must be true before the veto can be lifted.',
  input: z.strictObject({ title: Title, until: z.array(OneLine).min(1).max(20), words: Words }),
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'veto', facts, body: words }, signal),
});

const close = tool({
  name: 'close',
  description:
    'Closes something of your own: a finding as fixed (answering each criterion) or retracted, a veto as lifted or retracted, a note, decision or deferral as done, retracted or superseded.',
  input: z.strictObject({
    target: EntryId,
    as: z.enum(['fixed', 'done', 'lifted', 'retracted', 'superseded']),
    answers: z.array(OneLine).max(20).default([]),
    words: Words,
  }),
  run: ({ words, ...facts }, { host, signal }) => host.submit({ kind: 'close', facts, body: words }, signal),
});

export const adversaryTools: readonly Tool[] = [diff, runCold, verdict, advice, finding, sabotage, veto, close];

function fitsReproducer(content: string): boolean {
  return Buffer.byteLength(content) <= reproducerBytesMax;
}

/** Names the first citation that is not allowed; null if all are. */
function citationFault(checks: readonly CheckInput[], context: CallContext): string | null {
  for (const { clause, cites } of checks) {
    const bad = cites.find((cite) => 'call' in cite && context.cite(cite.call) === null);
    if (bad !== undefined && 'call' in bad) {
      return `the check of ${clause} cites call ${bad.call}, which is not an observation of this session (only successful results of shell, read, trail, log, diff and run_cold are, from the next answer on)`;
    }
  }
  return null;
}

function resolveCite(cite: z.infer<typeof CiteInput>, context: CallContext): z.infer<typeof Cite> {
  if ('run' in cite) return cite;
  const digest = context.cite(cite.call);
  if (digest === null) throw new Error('a citation was resolved before it was checked');
  return { call: cite.call, digest };
}

function runsOf(checks: readonly CheckInput[]): RunId[] {
  return [...new Set(checks.flatMap((check) => check.cites.flatMap((cite) => ('run' in cite ? [cite.run] : []))))];
}
