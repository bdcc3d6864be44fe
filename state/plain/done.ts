// Flags what contradicts the end of a phase: a veto that nobody lifted; in a text that says DONE, open gates, findings
// or checkboxes, or failed checks; and a text in which nothing was recognised.

import { listed } from './checks.ts';
import type { Flag, Folded, PlainPhase, PlainVeto, Where } from './report.ts';

export function endsOf(folded: Folded): Flag[] {
  return [
    ...folded.vetoes.filter((veto) => veto.standing).map(standing),
    ...folded.phases.flatMap((phase) => unsupported(phase, folded)),
    ...unread(folded),
  ];
}

function standing({ checklist, where, at }: PlainVeto): Flag {
  const open = checklist.filter(({ met }) => met !== true).map(({ what }) => what);
  const met = checklist.length > 0 ? 'its checklist is all met, but nobody has lifted it' : 'it has no checklist';
  const rest = open.length > 0 ? `open on its checklist: ${listed(open)}` : met;
  const what = `the veto${at === null ? '' : ` of ${at}`} is still in force; ${rest}`;
  return { kind: 'veto-stands', ids: checklist.flatMap(({ ids }) => ids), what, where: where.slice(0, 1) };
}

function unsupported(phase: PlainPhase, folded: Folded): Flag[] {
  const name = phase.id === null ? 'the phase' : `phase ${phase.id}`;
  const flag = (what: string, where: Where[]): Flag => ({
    kind: 'done-unsupported',
    ids: [],
    what: `${name} ${what}`,
    where,
  });
  const { placeholder } = phase;
  const early = 'is DONE only in a heading: the text below it says that it is not';
  return [
    ...(placeholder ? [flag(early, [placeholder])] : []),
    ...(phase.status === 'DONE'
      ? against(folded).map(({ what, where }) =>
          flag(`is marked DONE, but ${what}`, [...phase.where.slice(0, 1), ...where]),
        )
      : []),
  ];
}

function against({ gates, findings, vetoes, statements, placed }: Folded): { what: string; where: Where[] }[] {
  const open = gates.filter(({ standing: word }) => word !== 'PASS').map(({ id }) => id);
  const left = findings.filter(({ state }) => state !== 'closed');
  const boxes = placed.filter(
    ({ block }) => block.ticked === false && /\bdefinition of done\b/i.test(block.section?.title ?? ''),
  );
  const veto = vetoes.find((one) => one.standing);
  const checks = statements.find(({ kind }) => kind === 'checks');
  return [
    ...(open.length > 0 ? [{ what: `there is no valid PASS for ${listed(open)}`, where: [] }] : []),
    ...(left.length > 0
      ? [
          {
            what: `these findings are not closed: ${listed(left.map(({ id }) => id))}`,
            where: firstOf(left[0]?.events),
          },
        ]
      : []),
    ...(boxes.length > 0
      ? [
          {
            what: `${boxes.length === 1 ? 'a checkbox' : `${boxes.length} checkboxes`} of its Definition of Done ${boxes.length === 1 ? 'is' : 'are'} not ticked`,
            where: [],
          },
        ]
      : []),
    ...(veto ? [{ what: 'a veto is still in force', where: veto.where.slice(0, 1) }] : []),
    ...(checks
      ? [
          {
            what: 'the page reports failed checks at the commit it shows',
            where: [{ file: checks.file, line: checks.line }],
          },
        ]
      : []),
  ];
}

function firstOf(events: { where: Where }[] = []): Where[] {
  return events.slice(0, 1).map(({ where }) => where);
}

/** Flags a text in which nothing was recognised: it was not audited, so it must not look sound. */
function unread({ statements, placed }: Folded): Flag[] {
  const what = 'no gate, claim, verdict, finding or veto found: this does not look like a trail';
  const where = placed.slice(0, 1).map(({ file, block }) => ({ file, line: block.lines[0]?.line ?? 1 }));
  return statements.length > 0 ? [] : [{ kind: 'nothing-recognised', ids: [], what, where }];
}
