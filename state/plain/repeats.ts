// How often a claim or verdict is told: what can be the same is folded into one, with all its lines and all its evidence. Two are
// the same where their times may be, unless they name different commits.

import { headOf, type Placed } from './context.ts';
import { buildsIn, commitsIn, logsIn } from './marks.ts';
import type { DraftClaim, DraftVerdict, Evidence, GateDraft, When, Where } from './report.ts';
import type { Of } from './sight.ts';
import { overlap, type Stamp } from './time.ts';

const evidenceMax = 200;
/** Under these stands the verdict's evidence. */
const standingForms = new Set(['headline', 'field']);

export function addClaim({ claims }: GateDraft, one: Of<'claim'>): void {
  const head = headOf(one.placed);
  const known = claims.find((claim) => claim.heads.has(head) || isSameClaim(claim, one));
  const claim: DraftClaim = known ?? {
    ...{ ...whenOf(null), again: one.isAgain, parts: [], evidence: noEvidence(), guessed: one.isGuessed },
    ...{ where: [], stamp: null, heads: new Set() },
  };
  if (!known) claims.push(claim);
  claim.heads.add(head);
  if (claim.stamp === null) Object.assign(claim, { stamp: one.at, ...whenOf(one.at) });
  claim.parts = [...new Set([...claim.parts, ...one.parts])];
  addEvidence(claim.evidence, { ...one.cites, commits: one.cites.commits.map(({ commit }) => commit) });
  // Of the parts of a claim the first line is enough.
  if (claim.where.length === 0 || one.parts.length === 0) claim.where.push({ file: one.file, line: one.line });
}

/** Detail has no time of its own; it belongs to the headline that it stands under. */
function isSameClaim({ stamp, again }: DraftClaim, { at, parts, isAgain }: Of<'claim'>): boolean {
  return parts.length === 0 && again === isAgain && stamp !== null && at !== null && overlap(stamp, at);
}

/** What is told of a claim under its verdict belongs to the only one that has a time. */
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
    ...{ verdict: one.verdict, ...whenOf(null), cites: [], evidence: noEvidence(), bare: true, retracted: null },
    ...{ where: [], stamp: null, heads: new Set() },
  };
  if (!known) verdicts.push(verdict);
  if (standingForms.has(one.form)) verdict.heads.add(headOf(one.placed));
  if (verdict.stamp === null) Object.assign(verdict, { stamp: one.at, ...whenOf(one.at) });
  if (!verdict.where.some(({ line, file }) => line === one.line && file === one.file))
    verdict.where.push({ file: one.file, line: one.line });
  if (one.form === 'list') return;
  verdict.bare = false;
  verdict.cites = [...new Set([...verdict.cites, ...cites])];
  addEvidence(verdict.evidence, { ...one.cites, commits: cites });
}

function isSameVerdict(known: DraftVerdict, { verdict, placed, at }: Of<'verdict'>, cites: string[]): boolean {
  const mayBeThen = known.heads.has(headOf(placed)) || known.stamp === null || at === null || overlap(known.stamp, at);
  const mayBeThere = known.cites.length === 0 || cites.length === 0 || meet(known.cites, cites);
  return known.verdict === verdict && mayBeThen && mayBeThere;
}

/** Takes back the verdict that it names; where the text has none such, the retraction itself shows that there was one. */
export function retract({ verdicts }: GateDraft, one: Of<'retraction'>): void {
  if (one.verdict === null) return;
  const where = { file: one.file, line: one.line };
  const commits = one.cites.commits.map(({ commit }) => commit);
  const isEarlier = ({ file, line }: Where) => file !== one.file || line < one.line;
  const fitting = verdicts.filter(({ verdict, where: told }) => verdict === one.verdict && told.some(isEarlier));
  const cited = fitting.filter(({ cites }) => meet(cites, commits));
  const meant = cited.length === 0 && (commits.length === 0 || !one.saysNone) ? fitting : cited;
  for (const verdict of meant) verdict.retracted = where;
  if (meant.length > 0) return;
  verdicts.push({
    ...{
      verdict: one.verdict,
      ...whenOf(null),
      cites: citedBy(one),
      evidence: { ...noEvidence(), commits },
      bare: false,
    },
    ...{ retracted: where, where: [where], stamp: null, heads: new Set() },
  });
}

/** Of several commits the first is the one that made the claim which is taken back. */
export function citedBy({ cites }: Of<'retraction'>): string[] {
  const commits = cites.commits.map(({ commit }) => commit);
  return commits.length > 1 ? commits.slice(1) : commits;
}

/** What stands under each headline, but for what is told there of the claim. */
export function evidenceByHead(placed: Placed[]): Map<Placed, Evidence> {
  const found = new Map<Placed, Evidence>();
  for (const one of placed) {
    if (one.owner.length === 0 || one.parts.length > 0) continue;
    const { text } = one.block;
    const evidence = found.get(headOf(one)) ?? noEvidence();
    const builds = buildsIn(text).map(({ build }) => build);
    addEvidence(evidence, { commits: commitsIn(text).map(({ commit }) => commit), builds, logs: logsIn(text) });
    found.set(headOf(one), evidence);
  }
  return found;
}

export function addEvidence(to: Evidence, { commits, builds, logs }: Evidence): void {
  for (const commit of commits) {
    const known = to.commits.findIndex((one) => same(one, commit));
    if (known === -1) to.commits.push(commit);
    else if (commit.length > (to.commits[known]?.length ?? 0)) to.commits[known] = commit;
    if (to.commits.length >= evidenceMax) break;
  }
  to.builds = [...new Set([...to.builds, ...builds])].slice(0, evidenceMax);
  to.logs = [...new Set([...to.logs, ...logs])].slice(0, evidenceMax);
}

export function noEvidence(): Evidence {
  return { commits: [], builds: [], logs: [] };
}

/** One of two spellings of a commit is the beginning of the other. */
export function same(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

export function meet(some: string[], others: string[]): boolean {
  return some.some((one) => others.some((other) => same(one, other)));
}

export function whenOf(stamp: Stamp | null): When {
  return { at: stamp?.at ?? null, precision: stamp?.precision ?? null, assumed: stamp?.assumed ?? false };
}
