// The host of a judge under calibration: provides the judge's clone and shell in a box, the diff, one green run, and a
// trail that is only a list. Accepts and refuses findings and verdicts as a phase does; a reproducer really runs, on a
// clone that the judge never had.

import { openFiles } from '../../runner/box/files.ts';
import type { BoxCommand, Sandbox } from '../../runner/box/sandbox.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { EntryId } from '../../state/entry/ids.ts';
import { removeTree, roleClone } from '../../state/git/clones.ts';
import type { JudgedCase } from '../../state/trail/calibration.ts';
import { openCloneTools } from '../tools/hands.ts';
import type { Reproducer, Submission, ToolHost, ToolReply, TrailQuery } from '../tools/host.ts';
import { refused } from '../tools/tool.ts';
import { partReply, servedFacts } from '../view/diffReview.ts';
import { type CaseRepository, caseClaim, caseGate, casePhase, caseRun } from './case.ts';

type Verdict = Extract<Submission, { kind: 'verdict' }>;
type Finding = Extract<Submission, { kind: 'finding' }>;
type Filed = { id: EntryId; fix: number; reproducer: 'red' | 'green' | 'inconclusive' | null };

export type CaseHost = ToolHost & {
  /** The accepted verdict; `none` until there is one. */
  verdict(): JudgedCase['verdict'];
  close(): Promise<void>;
};

export type CaseHostOptions = {
  laid: CaseRepository;
  sandbox: Sandbox;
  /** A folder for clones, out of every box's reach. */
  dir: string;
  box: Pick<BoxCommand, 'tools' | 'limits'>;
};

/** Makes the judge's clone and opens its shell and files. */
export async function openCaseHost(options: CaseHostOptions): Promise<CaseHost> {
  const { laid, sandbox, dir } = options;
  const clone = await cloneOf(options, `${dir}/clone`);
  const hands = openCloneTools(sandbox, boxOver(options, clone));
  const filed: Filed[] = [];
  let lastId = caseClaim + 2;
  let accepted: JudgedCase['verdict'] = 'none';

  async function submit(submission: Submission, signal: AbortSignal): Promise<ToolReply> {
    if (submission.kind === 'verdict') return verdict(submission);
    lastId += 1;
    const id = lastId as EntryId;
    if (submission.kind === 'finding') return finding(id, submission, signal);
    const closed = submission.kind === 'close' ? submission.facts.target : null;
    const at = filed.findIndex((one) => one.id === closed);
    if (at >= 0) filed.splice(at, 1);
    return { ok: true, text: `#${id}: it is on the trail.` };
  }

  async function finding(id: EntryId, { facts }: Finding, signal: AbortSignal): Promise<ToolReply> {
    const { reproducer, fix } = facts;
    if (reproducer && !reproducer.path.startsWith('tests/'))
      return refused(`refused: a reproducer is laid under the recipe's tests (tests/**), not at ${reproducer.path}`);
    const result = reproducer && (await runReproducer(options, reproducer, signal));
    filed.push({ id, fix: fix.length, reproducer: result });
    const rests = 'Without a reproducer it rests on your word.';
    const ran = `Its reproducer is ${result} at the claim: ${result === 'red' ? 'it blocks' : 'it does not block'}.`;
    return { ok: true, text: `#${id}: the finding is filed. ${result === null ? rests : ran}` };
  }

  function verdict(submission: Verdict): ToolReply {
    const why = whyRefused(laid, filed, submission);
    if (why !== null) return refused(`refused: ${why}`);
    accepted = submission.facts.verdict;
    return { ok: true, text: `#${lastId + 1}: ${accepted} on claim #${caseClaim} of ${caseGate}.` };
  }

  return {
    ...hands,
    submit,
    verdict: () => accepted,
    diff: (part) => Promise.resolve(partReply(laid.review, part)),
    log: ({ run }) => Promise.resolve(run === caseRun ? runReply(laid) : refused(`there is no record of ${run}`)),
    trail: (query) => Promise.resolve(lookUp(laid, query)),
    publish: () => Promise.resolve(refused('only the Builder publishes')),
    trial: () => Promise.resolve(refused('no trial can be run in this session: run the tests with shell')),
    async close() {
      await hands.close();
      await removeTree(clone);
    },
  };
}

/**
 * Why a phase would refuse the verdict, by the rules that apply to one green claim; null if the phase would accept it.
 */
function whyRefused(laid: CaseRepository, filed: Filed[], submission: Verdict): string | null {
  const { claim, runs, verdict, findings } = submission.facts;
  if (claim !== caseClaim) return `#${claim} is not the live claim of ${caseGate}; #${caseClaim} is`;
  const unknown = runs.find((run) => run !== caseRun);
  if (unknown) return `there is no run ${unknown}`;
  if (verdict === 'UNVERIFIED') return null;
  if (verdict === 'PASS') return whyNotPassed(laid, filed, submission);
  if (findings.length === 0) return 'a FAIL names at least one open finding that blocks; file it first';
  const blocks = (one: Filed) => one.reproducer === null || one.reproducer === 'red';
  const named = filed.some((one) => findings.includes(one.id) && blocks(one));
  return named ? null : 'no finding that this names is open and blocks';
}

function whyNotPassed({ given, review }: CaseRepository, filed: Filed[], { facts, seen }: Verdict): string | null {
  try {
    servedFacts(review, facts, seen);
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  const checked = new Set(facts.checks.map((check) => check.clause));
  const lacking = Object.keys(given.clauses).filter((clause) => !checked.has(clause));
  if (lacking.length > 0) return `a PASS needs a check for every covered clause; missing: ${lacking.join(', ')}`;
  const isAnswered = ({ id, fix }: Filed) =>
    facts.closes.some(({ finding, answers }) => finding === id && answers.length === fix);
  const open = filed.find((one) => one.reproducer === 'red' || !isAnswered(one));
  return open ? `finding #${open.id} is open: a PASS answers it in \`closes\`, and none whose reproducer is red` : null;
}

function lookUp(laid: CaseRepository, { run, entry }: TrailQuery): ToolReply {
  if (run !== undefined) return run === caseRun ? runReply(laid) : refused(`there is no record of ${run}`);
  if (entry === undefined || entry === caseClaim)
    return {
      ok: true,
      text: `entry #${caseClaim}`,
      data: [{ what: `claim #${caseClaim}`, text: laid.given.claim.says }],
    };
  return refused(`there is no entry #${entry} for you to see`);
}

function runReply({ given, sha }: CaseRepository): ToolReply {
  const text = given.claim.tests.map((test) => `pass ${test}`).join('\n');
  return {
    ok: true,
    text: `${caseRun}: PASS, level 1, at commit ${sha}`,
    data: [{ what: `record of ${caseRun}`, text }],
  };
}

/** Runs the reproducer on the claim's own tree: exit 0 is green, 1 is red, anything else is inconclusive. */
async function runReproducer(
  options: CaseHostOptions,
  { path, content, command }: Reproducer,
  signal: AbortSignal,
): Promise<'red' | 'green' | 'inconclusive'> {
  const { sandbox, dir } = options;
  const clone = await cloneOf(options, `${dir}/reproducer`);
  const box = boxOver(options, clone);
  const files = openFiles(sandbox, { role: box.role, mounts: box.mounts });
  try {
    const write = await files.write(path, Buffer.from(content, 'utf8'));
    if (!write.ok) return 'inconclusive';
    const boxed = await sandbox.start({ ...box, argv: ['sh', '-c', command] }, signal);
    boxed.stdin.end();
    boxed.stdout.resume();
    boxed.stderr.resume();
    const { exit } = await boxed.done;
    return exit === 0 ? 'green' : exit === 1 ? 'red' : 'inconclusive';
  } finally {
    await files.close();
    await removeTree(clone);
  }
}

async function cloneOf({ laid, sandbox }: CaseHostOptions, into: string): Promise<string> {
  const owner = sandbox.owner('adversary');
  await roleClone({ hub: laid.hub, phase: casePhase, role: 'adversary', into, owner, at: laid.sha });
  return into;
}

function boxOver({ box }: CaseHostOptions, clone: string): Omit<BoxCommand, 'argv'> {
  return {
    role: 'adversary',
    workdir: '/tree',
    mounts: [{ source: clone, target: '/tree', mode: 'rw' }],
    env: {},
    hosts: [],
    ...box,
  };
}
