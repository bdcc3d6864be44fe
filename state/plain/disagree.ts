// Flags contradictions between sections of a plain trail: a gate has passed, but another section still awaits or denies
// its claim; a tier is both green and not applicable; a branch has two heads; a finding is both closed and open.

import { lineOf } from './blocks.ts';
import type { Placed } from './context.ts';
import { sentencesOf, withoutCode } from './marks.ts';
import { isSameCommit } from './repeats.ts';
import type { DraftState, DraftVerdict, Flag, Folded, GateDraft, PlainFinding, PlainState, Where } from './report.ts';
import type { PlainStatement } from './sight.ts';
import { overlap, type TimeSpan } from './time.ts';

const tier = `(?:install|upgrade|backup|restore|functional|custom|lint)`;
const tiers = String.raw`${tier}(?:\s*(?:\/|,|\+|and)\s*${tier})*`;
const notApplicable = new RegExp(
  `\\b(${tiers})(?:[ -](?:tiers?|rungs?|stages?))?\\s*(?:SKIP\\s*)?(?:=|:|is|are|\\()?\\s*N\\/A`,
  'gi',
);
const green = new RegExp(
  `\\b(${tiers})(?:-to-latest)?(?:[ -](?:tiers?|rungs?|stages?))?\\s+(?:(?:all|both|now)\\s+)?(?:GREEN|PASS(?:ED)?)\\b`,
  'gi',
);
const headsMax = 20;
const denied = /\bno (?:\w+ )?findings\b/i;
const branchHead = [
  /`(?<branch>[\w.-]+(?:\/[\w.-]+)*)`,?\s+(?:PR )?head:?\s+`?(?<commit>[0-9a-f]{7,40})\b/g,
  /\bhead:?\s+`(?<commit>[0-9a-f]{7,40})`[^.;]{0,80}?\bbranch\s+`(?<branch>[\w./-]+)`/g,
];

export function disagreements(folded: Folded): Flag[] {
  const { placed, gates } = folded;
  return [
    ...gates.flatMap((gate) => [...standings(gate), ...records(gate)]),
    ...tierStates(placed),
    ...heads(placed),
    ...folded.findings.flatMap(closings),
    ...deniedFindings(folded),
    ...listedAsOpen(placed),
  ];
}

function flag(ids: string[], what: string, where: Where[]): Flag {
  return { kind: 'sections-disagree', ids, what, where };
}

const openWords: Partial<Record<PlainState['state'], string>> = {
  unclaimed: 'not claimed',
  awaiting: 'awaiting the verdict',
  blocked: 'blocked',
};

/**
 * Flags statements that contradict a gate's verdict. A statement contradicts it if both may be from the same time; one
 * that is surely older or newer does not.
 */
function standings({ id, verdicts, claims, states }: GateDraft): Flag[] {
  const pass = verdicts.findLast(({ verdict, retracted, bare }) => verdict === 'PASS' && !retracted && !bare);
  const [settled] = pass ? [{ as: 'PASS', stamp: pass.stamp, where: pass.where[0] }] : states.flatMap(signedOff);
  if (!settled?.where) return [];
  const rivals = [
    ...claims.flatMap(({ again, stamp, where }) =>
      again && stamp && where[0] ? [{ as: 'claimed again', stamp, where: where[0] }] : [],
    ),
    ...states.flatMap(({ state, stamp, where }) => (openWords[state] ? [{ as: openWords[state], stamp, where }] : [])),
  ].filter(({ stamp }) => !stamp || !settled.stamp || overlap(stamp, settled.stamp));
  // Two such statements on one line are one contradiction.
  const byLine = new Map(rivals.map((one) => [`${one.where.file}:${one.where.line}`, one]));
  const { where } = settled;
  return [...byLine.values()].map((other) => {
    const when = other.stamp ? `, at ${other.stamp.at}: the times do not show which is later` : ', without a time';
    const what = `${id} is ${settled.as}${settled.stamp ? ` at ${settled.stamp.at}` : ''} in one place and ${other.as} in another${when}`;
    return flag([id], what, [where, other.where]);
  });
}

function signedOff({ state, stamp, where }: DraftState): { as: string; stamp: TimeSpan | null; where: Where }[] {
  return state === 'signed off' ? [{ as: 'signed off', stamp, where }] : [];
}

/** Flags two different verdicts under one heading, and one verdict recorded with two different commits. */
function records({ id, verdicts }: GateDraft): Flag[] {
  return verdicts.flatMap((one, index) => {
    const unlike = verdicts.slice(index + 1).find((other) => clash(one, other) !== null);
    const what = unlike && clash(one, unlike);
    return what ? [flag([id], `${id} ${what}`, [...one.where.slice(0, 1), ...unlike.where.slice(0, 1)])] : [];
  });
}

function clash(one: DraftVerdict, other: DraftVerdict): string | null {
  if (one.verdict !== other.verdict) {
    const isShared = [...one.heads].some((head) => other.heads.has(head));
    return isShared ? `is ${one.verdict} and ${other.verdict} under one heading` : null;
  }
  const mayBeThen = !one.stamp || !other.stamp || overlap(one.stamp, other.stamp);
  const [first, second] = [one.cites[0], other.cites[0]];
  if (!mayBeThen || one.retracted || other.retracted || !first || !second) return null;
  return `${one.verdict} is recorded as ${first} in one place and as ${second} in another`;
}

/**
 * Compares, per gate and tier, the first place that calls the tier not applicable with the first that calls it green.
 */
function tierStates(placed: Placed[]): Flag[] {
  const none = new Map<string, Where>();
  const passed = new Map<string, Where>();
  for (const { block, file, owner } of placed) {
    if (owner.length === 0 || block.kind === 'code') continue;
    const words = withoutCode(block.text).replaceAll('**', '  ');
    const note = (places: Map<string, Where>, pattern: RegExp) => {
      for (const { 1: names = '', index } of words.matchAll(pattern)) {
        const at = { file, line: lineOf(block, index) };
        const keys = owner.flatMap((id) => tiersOf(names).map((name) => `${id}: the ${name} tier`));
        for (const key of keys) if (!places.has(key)) places.set(key, at);
      }
    };
    note(none, notApplicable);
    note(passed, green);
  }
  return [...none].flatMap(([key, at]) => {
    const other = passed.get(key);
    const id = key.slice(0, key.indexOf(':'));
    return other ? [flag([id], `${key} is not applicable in one place and green in another`, [at, other])] : [];
  });
}

function tiersOf(names: string): string[] {
  return names.toLowerCase().match(new RegExp(tier, 'g')) ?? [];
}

/** Flags a branch if different places of the text name different commits as its head. */
function heads(placed: Placed[]): Flag[] {
  const byBranch = new Map<string, { commit: string; where: Where }[]>();
  for (const { branch, commit, where } of placed.flatMap(branchHeads)) {
    const known = byBranch.get(branch) ?? [];
    if (known.length < headsMax && !known.some((other) => isSameCommit(other.commit, commit)))
      known.push({ commit, where });
    byBranch.set(branch, known);
  }
  return [...byBranch].flatMap(([branch, all]) => {
    const what = `the head of ${branch} is ${all.map(({ commit }) => short(commit)).join(', ')} in different places`;
    return all.length < 2
      ? []
      : [
          flag(
            [],
            what,
            all.map(({ where }) => where),
          ),
        ];
  });
}

function branchHeads({ block, file }: Placed): { branch: string; commit: string; where: Where }[] {
  return branchHead.flatMap((pattern) =>
    [...block.text.matchAll(pattern)].map(({ groups, index }) => ({
      branch: groups?.branch ?? '',
      commit: groups?.commit ?? '',
      where: { file, line: lineOf(block, index) },
    })),
  );
}

function short(commit: string): string {
  return commit.slice(0, 12);
}

function closings({ id, events }: PlainFinding): Flag[] {
  const closed = events.find(({ event }) => event === 'closed');
  const left = events.find(
    ({ event, at }) => event === 'open' && (at === null || closed?.at == null || at >= closed.at),
  );
  return closed && left
    ? [flag([id], `${id} is closed in one place and still to be closed in another`, [closed.where, left.where])]
    : [];
}

/** Flags the words "no findings" under a gate that has findings. */
function deniedFindings({ placed, statements }: Folded): Flag[] {
  const firstFinding = new Map<string, PlainStatement>();
  for (const one of statements) {
    if (one.kind === 'finding') for (const id of one.placed.owner) if (!firstFinding.has(id)) firstFinding.set(id, one);
  }
  return placed.flatMap(({ block, file, owner }) => {
    const id = owner.find((one) => firstFinding.has(one));
    const finding = firstFinding.get(id ?? '');
    if (id === undefined || !finding) return [];
    const denial = sentencesOf(block.text).find(({ text }) => denied.test(withoutCode(text).replaceAll('**', '')));
    if (!denial) return [];
    const what = `the text says that ${id} has no findings, but lists ${finding.ids.join(', ')} under it`;
    return [
      flag([id], what, [
        { file, line: lineOf(block, denial.offset) },
        { file: finding.file, line: finding.line },
      ]),
    ];
  });
}

/** Flags items that are marked as passed or closed, but are in a list introduced by words such as "still open:". */
function listedAsOpen(placed: Placed[]): Flag[] {
  const flags: Flag[] = [];
  let list: Where | null = null;
  for (const { block, file, headline } of placed) {
    const at = { file, line: lineOf(block) };
    if (block.kind !== 'item') list = /\bopen:\W*$/i.test(block.text) ? at : null;
    else if (list && (headline?.word === 'PASS' || headline?.word === 'closed')) {
      const ids = headline.ids.join(', ');
      flags.push(flag(headline.ids, `${ids} is listed as open, but marked ${headline.word} there`, [list, at]));
    }
  }
  return flags;
}
