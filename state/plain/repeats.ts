// Merges repeated mentions of one claim or verdict into one, which keeps all lines and evidence. Two mentions are taken
// as one if their times can be the same, unless they are verdicts that name different commits.

import { headlineAbove, type Placed } from './context.ts';
import { buildsIn, commitsIn, logsIn } from './marks.ts';
import type { DatedAt, DraftClaim, DraftVerdict, GateDraft, PlainEvidence, Where } from './report.ts';
import type { Of } from './sight.ts';
import { overlap, type TimeSpan } from './time.ts';

const evidenceMax = 200;
/** The forms of verdict for which the text below the verdict counts as evidence. */
const standingForms = new Set(['headline', 'field']);

export function addClaim({ claims }: GateDraft, one: Of<'claim'>): void {
  const head = headlineAbove(one.placed);
  const known = claims.find((claim) => claim.heads.has(head) || isSameClaim(claim, one));
  const claim: DraftClaim = known ?? {
    ...whenOf(null),
    again: one.isAgain,
    parts: [],
    evidence: noEvidence(),
    guessed: one.isGuessed,
    where: [],
    stamp: null,
    heads: new Set(),
  };
  if (!known) claims.push(claim);
  claim.heads.add(head);
  if (claim.stamp === null) Object.assign(claim, { stamp: one.at, ...whenOf(one.at) });
  claim.parts = [...new Set([...claim.parts, ...one.parts])];
  addEvidence(claim.evidence, { ...one.cites, commits: one.cites.commits.map(({ commit }) => commit) });
  // Of a claim that is written in parts, only the first line is noted.
  if (claim.where.length === 0 || one.parts.length === 0) claim.where.push({ file: one.file, line: one.line });
}

/**
 * True if, by their times, both are one claim. Not asked of a claim's parts, which belong to the headline above them.
 */
function isSameClaim({ stamp, again }: DraftClaim, { at, parts, isAgain }: Of<'claim'>): boolean {
  return parts.length === 0 && again === isAgain && stamp !== null && at !== null && overlap(stamp, at);
}

/**
 * Joins undated parts of a claim, such as parts below a verdict, to the gate's dated claim, if the gate has exactly
 * one.
 */
export function joinDetail(claims: DraftClaim[]): DraftClaim[] {
  const [dated, ...others] = claims.filter(({ stamp }) => stamp !== null);
  const details = claims.filter(({ stamp, parts }) => stamp === null && parts.length > 0);
  if (!dated || others.length > 0) return claims;
  for (const detail of details) {
    dated.parts = [...new Set([...dated.parts, ...detail.parts])];
    dated.where.push(...detail.where);
    addEvidence(dated.evidence, detail.evidence);
  }
  return claims.filter((claim) => !details.includes(claim));
}

export function addVerdict({ verdicts }: GateDraft, one: Of<'verdict'>): void {
  const cites = one.cites.commits.map(({ commit }) => commit);
  const known = verdicts.findLast((other) => isSameVerdict(other, one, cites));
  const verdict: DraftVerdict = known ?? {
    ...whenOf(null),
    verdict: one.verdict,
    cites: [],
    evidence: noEvidence(),
    bare: true,
    retracted: null,
    where: [],
    stamp: null,
    heads: new Set(),
  };
  if (!known) verdicts.push(verdict);
  if (standingForms.has(one.form)) verdict.heads.add(headlineAbove(one.placed));
  if (verdict.stamp === null) Object.assign(verdict, { stamp: one.at, ...whenOf(one.at) });
  if (!verdict.where.some(({ line, file }) => line === one.line && file === one.file))
    verdict.where.push({ file: one.file, line: one.line });
  if (one.form === 'list') return;
  verdict.bare = false;
  verdict.cites = [...new Set([...verdict.cites, ...cites])];
  addEvidence(verdict.evidence, { ...one.cites, commits: cites });
}

function isSameVerdict(known: DraftVerdict, { verdict, placed, at }: Of<'verdict'>, cites: string[]): boolean {
  const mayBeThen =
    known.heads.has(headlineAbove(placed)) || known.stamp === null || at === null || overlap(known.stamp, at);
  const mayBeThere = known.cites.length === 0 || cites.length === 0 || shareCommit(known.cites, cites);
  return known.verdict === verdict && mayBeThen && mayBeThere;
}

/**
 * Retracts the verdicts that a retraction names. If the text has no such verdict, adds it as retracted: the retraction
 * shows that it existed.
 */
export function retract({ verdicts }: GateDraft, one: Of<'retraction'>): void {
  if (one.verdict === null) return;
  const where = { file: one.file, line: one.line };
  const commits = one.cites.commits.map(({ commit }) => commit);
  const isEarlier = ({ file, line }: Where) => file !== one.file || line < one.line;
  const fitting = verdicts.filter(({ verdict, where: places }) => verdict === one.verdict && places.some(isEarlier));
  const cited = fitting.filter(({ cites }) => shareCommit(cites, commits));
  const targets = cited.length === 0 && (commits.length === 0 || !one.saysNone) ? fitting : cited;
  for (const verdict of targets) verdict.retracted = where;
  if (targets.length > 0) return;
  verdicts.push({
    ...whenOf(null),
    verdict: one.verdict,
    cites: citedBy(one),
    evidence: { ...noEvidence(), commits },
    bare: false,
    retracted: where,
    where: [where],
    stamp: null,
    heads: new Set(),
  });
}

/**
 * The commits that the retracted verdict cited. If a retraction names several commits, the first is the claim's, so it
 * is left out.
 */
export function citedBy({ cites }: Of<'retraction'>): string[] {
  const commits = cites.commits.map(({ commit }) => commit);
  return commits.length > 1 ? commits.slice(1) : commits;
}

/** The evidence under each headline, except in the parts of a claim. */
export function evidenceByHead(placed: Placed[]): Map<Placed, PlainEvidence> {
  const byHead = new Map<Placed, PlainEvidence>();
  for (const one of placed) {
    if (one.owner.length === 0 || one.parts.length > 0) continue;
    const { text } = one.block;
    const evidence = byHead.get(headlineAbove(one)) ?? noEvidence();
    const builds = buildsIn(text).map(({ build }) => build);
    addEvidence(evidence, { commits: commitsIn(text).map(({ commit }) => commit), builds, logs: logsIn(text) });
    byHead.set(headlineAbove(one), evidence);
  }
  return byHead;
}

export function addEvidence(to: PlainEvidence, { commits, builds, logs }: PlainEvidence): void {
  for (const commit of commits) {
    const known = to.commits.findIndex((one) => isSameCommit(one, commit));
    if (known === -1) to.commits.push(commit);
    else if (commit.length > (to.commits[known]?.length ?? 0)) to.commits[known] = commit;
    if (to.commits.length >= evidenceMax) break;
  }
  to.builds = [...new Set([...to.builds, ...builds])].slice(0, evidenceMax);
  to.logs = [...new Set([...to.logs, ...logs])].slice(0, evidenceMax);
}

export function noEvidence(): PlainEvidence {
  return { commits: [], builds: [], logs: [] };
}

/** True if one commit id is a prefix of the other. */
export function isSameCommit(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

export function shareCommit(some: string[], others: string[]): boolean {
  return some.some((one) => others.some((other) => isSameCommit(one, other)));
}

export function whenOf(stamp: TimeSpan | null): DatedAt {
  return { at: stamp?.at ?? null, precision: stamp?.precision ?? null, assumed: stamp?.assumed ?? false };
}
