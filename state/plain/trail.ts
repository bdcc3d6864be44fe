// Reads plain trails, which are prose files without entries, and folds them as far as possible into gates, claims,
// verdicts, findings, vetoes, deferrals and retractions. Also reports contradictions and text that could not be placed.
// Prose proves nothing, so no gate holds because of it; the result shows where to look.

import { fitLine } from '../entry/words.ts';
import { type Block, blockCharsMax, blocksOf, lastLineOf, lineOf, plain } from './blocks.ts';
import { checksOf } from './checks.ts';
import { gatesIn, type Placed, place, plainGatesMax, splitAtHeadlines } from './context.ts';
import { disagreements } from './disagree.ts';
import { endsOf } from './done.ts';
import { foldGates } from './gates.ts';
import { lineCharsMax, sourceLines } from './lines.ts';
import {
  buildsNamed,
  commitsNamed,
  foldChecklists,
  foldFindings,
  foldPhases,
  foldRetractions,
  plainDeferrals,
} from './records.ts';
import type { Flag, GateDraft, PlainFile, PlainGate, PlainTrail, Unplaced } from './report.ts';
import { statementsMax, statementsOf } from './statements.ts';
import { foldVetoes } from './vetoes.ts';

const excerptCharsMax = 100;
const flagsMax = 1000;
/** Sections with these titles describe the phase as a whole, so nothing in them counts as unplaced. */
const describing =
  /^(?:\d+[.)]?\s*)?(?:phase|scope|mission|goal|definition of done|milestones?|gates?|guardrails|starting facts|work requirements|orientation|notes?)\b|\borientation\b/i;

export function readPlainTrail(files: PlainFile[]): PlainTrail {
  const read = files.map(({ name, text }) => ({ name, text, blocks: blocksOf(sourceLines(text)) }));
  const parts = read.map(({ name, blocks }) => ({ name, blocks: splitAtHeadlines(blocks) }));
  const known = gatesIn(parts.flatMap(({ blocks }) => blocks));
  const placed = parts.flatMap(({ name, blocks }) => place(name, blocks, known));
  const statements = statementsOf(placed, known);
  const gates = foldGates(statements, placed, known);
  const findings = foldFindings(statements);
  const vetoes = foldVetoes(statements);
  const phases = foldPhases(statements, placed);
  const folded = { placed, statements, gates, findings, vetoes, phases };
  const isFull = statements.length > statementsMax || known.ids.size >= plainGatesMax;
  const flags = [...checksOf(folded), ...endsOf(folded), ...disagreements(folded)].slice(0, flagsMax);
  return {
    phases,
    gates: gates.map(shown),
    findings,
    vetoes,
    deferrals: plainDeferrals(statements),
    retractions: foldRetractions(statements),
    checklists: foldChecklists(placed),
    builds: buildsNamed(placed),
    commits: commitsNamed(placed),
    flags: [
      ...flags,
      ...read.flatMap(beyond),
      ...(isFull ? [notRead('there are too many statements to read at once: split the files', [])] : []),
    ],
    unplaced: unplacedIn(placed, new Set(statements.map((one) => one.placed.block))),
  };
}

/** Flags text past a limit: it was not audited, so the file must not look sound. */
function beyond({ name, text, blocks }: PlainFile & { blocks: Block[] }): Flag[] {
  const long = text.split('\n').findIndex((line) => line.length > lineCharsMax);
  const block = blocks.find((one) => one.text.length >= blockCharsMax);
  return [
    ...(long === -1
      ? []
      : [notRead(`the line has more than ${lineCharsMax} characters: wrap it`, [{ file: name, line: long + 1 }])]),
    ...(block
      ? [
          notRead(`the paragraph has more than ${blockCharsMax} characters: split it`, [
            { file: name, line: lineOf(block) },
          ]),
        ]
      : []),
  ];
}

function notRead(what: string, where: Flag['where']): Flag {
  return { kind: 'not-all-read', ids: [], what, where };
}

/** A gate for the report, without the data needed only for comparing. */
function shown({ claims, verdicts, states, ...gate }: GateDraft): PlainGate {
  return {
    ...gate,
    claims: claims.map(({ stamp: _, heads: __, ...claim }) => claim),
    verdicts: verdicts.map(({ stamp: _, heads: __, ...verdict }) => verdict),
    states: states.map(({ stamp: _, ...state }) => state),
  };
}

/** Blocks that make no statement, are below no headline and do not describe the phase; neighbours are merged. */
function unplacedIn(placed: Placed[], stated: Set<Block>): Unplaced[] {
  const unplaced: (Unplaced & { index: number })[] = [];
  for (const [index, one] of placed.entries()) {
    if (!isUnplaced(one, stated)) continue;
    const { block, file } = one;
    const before = unplaced.at(-1);
    const section = block.section?.title ?? '';
    if (before && before.index === index - 1 && before.file === file && before.section === section) {
      Object.assign(before, { index, to: lastLineOf(block) });
    } else {
      const text = fitLine(plain(block.text), excerptCharsMax);
      unplaced.push({ index, file, from: lineOf(block), to: lastLineOf(block), section, text });
    }
  }
  return unplaced.map(({ index: _, ...one }) => one);
}

function isUnplaced({ block, owner }: Placed, stated: Set<Block>): boolean {
  if (block.kind === 'heading' || block.kind === 'rule' || stated.has(block) || owner.length > 0) return false;
  const { section } = block;
  const isIntroduction = section !== null && section.depth === 1;
  return !isIntroduction && !describing.test(section?.title ?? '');
}
