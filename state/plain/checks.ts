// Flags what does not add up in a plain trail: impossible times, evidence that is missing or belongs elsewhere,
// retracted verdicts, claims without a verdict or a gate. Each flag says what is wrong and where. See `done.ts` for
// flags about the end of a phase.

import type { Placed } from './context.ts';
import { citedBy, isSameCommit, shareCommit } from './repeats.ts';
import type { DraftVerdict, Flag, Folded, GateDraft, Where } from './report.ts';
import type { Of } from './sight.ts';
import { gapMs, isBefore } from './time.ts';

/** A FAIL and the next PASS must be at least this far apart: a fix, a full build and a verdict take longer. */
const fixAndBuildMinutesMin = 5;
const minuteMs = 60_000;
const namedMax = 6;

export function checksOf(folded: Folded): Flag[] {
  return [
    ...folded.gates.flatMap((gate) => [
      ...impossibleTimes(gate),
      ...withoutEvidence(gate),
      ...beforeClaim(gate),
      ...withoutVerdict(gate),
      ...guessed(gate),
    ]),
    ...retracted(folded),
    ...elsewhere(folded.gates),
    ...withoutGate(folded.placed),
  ];
}

/**
 * Flags a FAIL and a PASS that are so close together that the fix and the build cited by the PASS do not fit in
 * between.
 */
function impossibleTimes(gate: GateDraft): Flag[] {
  const valid = gate.verdicts.filter(({ stamp, retracted }) => stamp !== null && retracted === null);
  return valid.flatMap((fail, index) => {
    const next = fail.verdict === 'FAIL' ? valid.slice(index + 1).find(({ verdict }) => verdict === 'PASS') : undefined;
    return next ? tooClose(gate.id, fail, next) : [];
  });
}

function tooClose(id: string, fail: DraftVerdict, pass: DraftVerdict): Flag[] {
  if (!fail.stamp || !pass.stamp || gapMs(fail.stamp, pass.stamp) > fixAndBuildMinutesMin * minuteMs) return [];
  const commits = pass.evidence.commits.filter((one) => !shareCommit([one], fail.evidence.commits));
  const builds = pass.evidence.builds.filter((build) => !fail.evidence.builds.includes(build));
  const between = [
    ...(commits.length > 0 ? [`a fix (${listed(commits)})`] : []),
    ...(builds.length > 0 ? [`a build (${listed(builds.map((build) => `#${build}`))})`] : []),
  ];
  if (between.length === 0) return [];
  const minutes = Math.round((pass.stamp.fromMs - fail.stamp.fromMs) / minuteMs);
  const what = `${id} FAIL at ${fail.stamp.at} and ${id} PASS at ${pass.stamp.at} are only ${minutes} min apart, with ${between.join(' and ')} between them: at least one of these times is wrong`;
  const where = [...fail.where.slice(0, 1), ...pass.where.slice(0, 1)];
  return [{ kind: 'impossible-time', ids: [id], what, where }];
}

function withoutEvidence({ id, verdicts, claims }: GateDraft): Flag[] {
  const claimed = claims.some(({ evidence }) => hasAny(evidence));
  return verdicts.flatMap(({ verdict, evidence, retracted, where, bare }) => {
    // The text of a FAIL is evidence enough.
    if (verdict !== 'PASS' || retracted || hasAny(evidence) || (claimed && !bare)) return [];
    const what = `${id} PASS has no evidence: the text names no commit, build or log for it and has no separate verdict on it`;
    return [{ kind: 'no-evidence' as const, ids: [id], what, where }];
  });
}

function hasAny({ commits, builds, logs }: DraftVerdict['evidence']): boolean {
  return commits.length + builds.length + logs.length > 0;
}

function beforeClaim({ id, verdicts, claims }: GateDraft): Flag[] {
  const dated = claims.filter(({ stamp, again }) => stamp !== null && !again);
  return verdicts.flatMap(({ verdict, stamp, where }) => {
    const early = dated.filter((claim) => stamp && claim.stamp && isBefore(stamp, claim.stamp));
    if (verdict !== 'PASS' || dated.length === 0 || early.length < dated.length) return [];
    const what = `${id} PASS at ${stamp?.at} is older than its claim at ${early[0]?.at}`;
    return [
      {
        kind: 'verdict-before-claim' as const,
        ids: [id],
        what,
        where: [...where.slice(0, 1), ...(early[0]?.where.slice(0, 1) ?? [])],
      },
    ];
  });
}

function withoutVerdict({ id, verdicts, claims }: GateDraft): Flag[] {
  const valid = verdicts.filter(({ retracted }) => retracted === null);
  if (verdicts.length > valid.length && valid.length === 0) return [];
  const open = claims.filter(({ stamp, where }) =>
    valid.length === 0
      ? true
      : stamp !== null && where.length > 0 && valid.every((one) => one.stamp !== null && isBefore(one.stamp, stamp)),
  );
  const last = open.at(-1);
  if (!last) return [];
  const when = last.at === null ? '' : ` at ${last.at}`;
  const why = valid.length === 0 ? 'the text has no verdict on it' : 'every verdict in the text is older';
  return [
    {
      kind: 'claim-without-verdict',
      ids: [id],
      what: `${id} is claimed${when}, but ${why}`,
      where: last.where.slice(0, 1),
    },
  ];
}

function guessed({ id, claims }: GateDraft): Flag[] {
  return claims.flatMap(({ guessed: isGuessed, where }) =>
    isGuessed
      ? [
          {
            kind: 'claim-without-gate' as const,
            ids: [id],
            what: `a claim has no gate line; it was assigned to ${id} because of a name in it`,
            where: where.slice(0, 1),
          },
        ]
      : [],
  );
}

function withoutGate(placed: Placed[]): Flag[] {
  return placed.flatMap(({ parts, owner, block, file }) =>
    parts.includes('WHAT') && owner.length === 0
      ? [
          {
            kind: 'claim-without-gate' as const,
            ids: [],
            what: 'a claim has no gate line, and its gate is unknown',
            where: [{ file, line: block.lines[0]?.line ?? 0 }],
          },
        ]
      : [],
  );
}

function retracted({ statements }: Folded): Flag[] {
  return statements.flatMap((one) => (one.kind === 'retraction' && one.verdict !== null ? [retraction(one)] : []));
}

function retraction(one: Of<'retraction'>): Flag {
  const cited = citedBy(one);
  const by = one.cites.commits.length > 1 ? ` that commit ${one.cites.commits[0]?.commit} claimed` : '';
  const who = `the ${one.verdict} of ${one.ids.join(', ') || 'a gate'}${by}`;
  const where = [{ file: one.file, line: one.line }];
  if (!one.saysNone) return { kind: 'retracted', ids: one.ids, what: `${who} is retracted`, where };
  const citing = cited.length > 0 ? `, citing ${listed(cited)},` : '';
  const what = `${who}${citing} is fabricated: the text itself says that no such commit or verdict exists`;
  return { kind: 'fabricated', ids: one.ids, what, where };
}

/**
 * Flags a verdict if the text also uses the verdict's commit, or all builds that the verdict cites, for another gate.
 */
function elsewhere(gates: GateDraft[]): Flag[] {
  return gates.flatMap((gate) =>
    gate.verdicts.flatMap((verdict) => {
      if (verdict.retracted) return [];
      const own = gate.claims.flatMap(({ evidence }) => evidence.commits);
      const commits = verdict.cites.filter((commit) => !own.some((one) => isSameCommit(one, commit)));
      return gates
        .filter((other) => other !== gate)
        .flatMap((other) => [...sharedCommits(gate, verdict, commits, other), ...sharedBuilds(gate, verdict, other)]);
    }),
  );
}

function sharedCommits(gate: GateDraft, verdict: DraftVerdict, commits: string[], other: GateDraft): Flag[] {
  const uses = [
    ...other.verdicts.map(({ cites, where }) => ({ commits: cites, where, as: 'verdict' })),
    ...other.claims.map(({ evidence, where }) => ({ commits: evidence.commits, where, as: 'claim' })),
  ];
  // Two verdicts in one sentence may share the commit that the sentence names.
  const used = uses.find(
    ({ commits: theirs, where }) =>
      !shareLine(where, verdict.where) && theirs.some((one) => commits.some((own) => isSameCommit(own, one))),
  );
  const commit = commits.find((own) => used?.commits.some((one) => isSameCommit(own, one)));
  if (!used || commit === undefined || (used.as === 'verdict' && gate.id > other.id)) return [];
  const what = `${gate.id} ${verdict.verdict} cites ${commit}, which the text uses for the ${used.as} of ${other.id}`;
  return [
    {
      kind: 'evidence-elsewhere',
      ids: [gate.id, other.id],
      what,
      where: [...verdict.where.slice(0, 1), ...used.where.slice(0, 1)],
    },
  ];
}

function sharedBuilds(gate: GateDraft, { verdict, evidence, where }: DraftVerdict, other: GateDraft): Flag[] {
  const { builds } = evidence;
  const own = gate.claims.flatMap((claim) => claim.evidence.builds);
  const theirs = other.claims.find((claim) => builds.every((build) => claim.evidence.builds.includes(build)));
  if (builds.length === 0 || !theirs || builds.some((build) => own.includes(build))) return [];
  const what = `${gate.id} ${verdict} cites build ${listed(builds.map((build) => `#${build}`))}, which belongs to the claim of ${other.id}`;
  return [
    {
      kind: 'evidence-elsewhere',
      ids: [gate.id, other.id],
      what,
      where: [...where.slice(0, 1), ...theirs.where.slice(0, 1)],
    },
  ];
}

function shareLine(some: Where[], others: Where[]): boolean {
  return some.some(({ file, line }) => others.some((other) => other.file === file && other.line === line));
}

/** The first few names, and how many more there are. */
export function listed(names: string[]): string {
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
