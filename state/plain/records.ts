// Collects from a plain trail all records other than gates: findings, deferrals, retractions, checklists and phases,
// and all commits and builds.

import { lineOf, plain } from './blocks.ts';
import type { Placed } from './context.ts';
import { byGateNumber } from './gates.ts';
import { buildsIn, commitsIn } from './marks.ts';
import { whenOf } from './repeats.ts';
import type {
  PlainBuild,
  PlainChecklist,
  PlainCommit,
  PlainDeferral,
  PlainFinding,
  PlainPhase,
  PlainRetraction,
  Where,
} from './report.ts';
import type { Of, PlainStatement } from './sight.ts';

/** Length of git's shortest ids: ids that agree in this many characters are one commit. */
const commitCharsMin = 7;
const placesMax = 100;

export function foldFindings(statements: PlainStatement[]): PlainFinding[] {
  const findings = new Map<string, PlainFinding>();
  for (const one of statements) {
    if (one.kind !== 'finding') continue;
    for (const id of one.ids) {
      const finding = findings.get(id) ?? { id, state: 'open' as const, events: [] };
      finding.events.push({ event: one.event, ...whenOf(one.at), where: { file: one.file, line: one.line } });
      findings.set(id, finding);
    }
  }
  return [...findings.values()]
    .map((one) => ({ ...one, state: stateOf(one) }))
    .sort((a, b) => byGateNumber(a.id, b.id));
}

function stateOf({ events }: PlainFinding): PlainFinding['state'] {
  if (events.some(({ event }) => event === 'closed')) return 'closed';
  return events.some(({ event }) => event === 'fixed') ? 'fixed' : 'open';
}

export function plainDeferrals(statements: PlainStatement[]): PlainDeferral[] {
  const deferrals: PlainDeferral[] = [];
  for (const one of statements) {
    if (one.kind !== 'deferral') continue;
    const where = { file: one.file, line: one.line };
    const known = deferrals.find((other) => other.state === one.state && other.text === one.text);
    if (known) known.where.push(where);
    else deferrals.push({ text: one.text, ids: one.ids, state: one.state, ...whenOf(one.at), where: [where] });
  }
  return deferrals;
}

export function foldRetractions(statements: PlainStatement[]): PlainRetraction[] {
  return statements.flatMap((one) => {
    if (one.kind !== 'retraction') return [];
    const commits = one.cites.commits.map(({ commit }) => commit);
    return [{ text: one.text, ids: one.ids, verdict: one.verdict, commits, where: { file: one.file, line: one.line } }];
  });
}

/** The phases that titles name, and the phases that the text marks as done. */
export function foldPhases(statements: PlainStatement[], placed: Placed[]): PlainPhase[] {
  const titles = titledPhases(placed);
  const phases = new Map<string | null, PlainPhase>();
  const phaseOf = (id: string | null): PlainPhase => {
    const phase = phases.get(id) ?? { id, status: 'open', ...whenOf(null), where: [], placeholder: null };
    phases.set(id, phase);
    return phase;
  };
  for (const id of titles.values()) phaseOf(id);
  for (const one of statements) {
    if (one.kind === 'done') endPhase(phaseOf(one.phase ?? titles.get(one.file) ?? null), one);
  }
  return [...phases.values()];
}

function endPhase(phase: PlainPhase, { file, line, at, isPlaceholder }: Of<'done'>): void {
  if (isPlaceholder) phase.placeholder = { file, line };
  else {
    phase.status = 'DONE';
    phase.where.push({ file, line });
    if (phase.at === null) Object.assign(phase, whenOf(at));
  }
}

/** For each file, the phase that its first heading of level 1 names, as in `# STATUS — phase notes`. */
function titledPhases(placed: Placed[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { block, file } of placed) {
    if (block.kind !== 'heading' || block.depth !== 1 || titles.has(file)) continue;
    const id = /\bphase\s+([A-Za-z0-9][\w-]*)/i.exec(plain(block.text))?.[1];
    if (id !== undefined) titles.set(file, id);
  }
  return titles;
}

/** The lists with checkboxes; all checkboxes under one heading are one list. */
export function foldChecklists(placed: Placed[]): PlainChecklist[] {
  const lists = new Map<string, PlainChecklist>();
  for (const { block, file } of placed) {
    if (block.ticked === null) continue;
    const [section, line] = [block.section?.title ?? '', block.section?.line ?? lineOf(block)];
    const list = lists.get(`${file}:${line}`) ?? { section, ticked: 0, open: 0, where: { file, line } };
    if (block.ticked) list.ticked += 1;
    else list.open += 1;
    lists.set(`${file}:${line}`, list);
  }
  return [...lists.values()];
}

/** All commits in their longest spelling, each with the gates and findings whose text names it. */
export function commitsNamed(placed: Placed[]): PlainCommit[] {
  const commits = new Map<string, PlainCommit>();
  for (const { block, file, owner } of placed) {
    for (const { commit, index } of commitsIn(block.text)) {
      const key = commit.slice(0, commitCharsMin);
      const one = commits.get(key) ?? { commit, ids: [], where: [] };
      commits.set(key, one);
      if (commit.length > one.commit.length) one.commit = commit;
      addPlace(one, owner, { file, line: lineOf(block, index) });
    }
  }
  return [...commits.values()];
}

export function buildsNamed(placed: Placed[]): PlainBuild[] {
  const builds = new Map<number, PlainBuild>();
  for (const { block, file, owner } of placed) {
    for (const { build, index } of buildsIn(block.text)) {
      const one = builds.get(build) ?? { build, ids: [], where: [] };
      addPlace(one, owner, { file, line: lineOf(block, index) });
      builds.set(build, one);
    }
  }
  return [...builds.values()].sort((a, b) => a.build - b.build);
}

function addPlace(one: { ids: string[]; where: Where[] }, owner: string[], where: Where): void {
  one.ids = [...new Set([...one.ids, ...owner])].slice(0, placesMax);
  const isNew = !one.where.some(({ file, line }) => file === where.file && line === where.line);
  if (isNew && one.where.length < placesMax) one.where.push(where);
}
