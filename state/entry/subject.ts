// The commit subjects of the trail, with the customary prefixes, so that `git log --oneline trail` tells the story.
// Nothing parses them.

import type { Entry, EntryOf, Kind } from './entry.ts';
import type { Purpose } from './record.ts';

export const subjectCharsMax = 100;
const titleCharsMax = 60;

type SubjectPart = { prefix: string; scope: string; story: string };

/**
 * The subject of a commit that appends these entries (at least one), such as `review(M1): FAIL, #41`. If not all of
 * them fit, it counts the rest.
 */
export function subjectFor(entries: readonly Entry[]): string {
  const parts = entries.map((entry) => ({ ...subjectPart(entry), id: entry.id }));
  let subject = '';
  for (const [index, { prefix, scope, story, id }] of parts.entries()) {
    const isSame = prefix === parts[index - 1]?.prefix && scope === parts[index - 1]?.scope;
    const next = `${isSame ? '' : `${prefix}(${scope}): `}${story}, #${id}`;
    if (index > 0 && subject.length + next.length > subjectCharsMax) return `${subject}; ${parts.length - index} more`;
    subject += index === 0 ? next : `; ${next}`;
  }
  return subject;
}

const stories: { [K in Kind]: (entry: EntryOf<K>) => { prefix: string; scope?: string; story: string } } = {
  phase: ({ facts }) => ({ prefix: 'status', story: phaseStory(facts) }),
  session: ({ facts }) => ({ prefix: 'session', story: sessionStory(facts) }),
  run: ({ facts }) => ({ prefix: 'run', ...runStory(facts) }),
  claim: ({ facts }) => ({ prefix: 'claim', scope: facts.gate, story: (facts.shas.main ?? '').slice(0, 10) }),
  blocked: ({ facts }) => ({
    prefix: 'status',
    scope: facts.blocks.join(','),
    story: facts.disputes === undefined ? `BLOCKED ${short(facts.action)}` : `DISPUTE of #${facts.disputes}`,
  }),
  note: ({ facts, role }) => ({
    prefix: role === 'adversary' ? 'review' : 'status',
    story: `note ${short(facts.title)}`,
  }),
  item: ({ facts }) => ({ prefix: 'backlog', story: `item ${short(facts.title)}` }),
  journal: ({ facts }) => ({ prefix: 'journal', story: short(facts.title) }),
  verdict: ({ facts }) => ({ prefix: 'review', scope: facts.gate, story: facts.verdict }),
  advice: ({ facts }) => ({ prefix: 'review', story: `advice on #${facts.blocked}` }),
  finding: ({ facts }) => ({ prefix: 'backlog', scope: facts.gate, story: `finding ${short(facts.title)}` }),
  sabotage: ({ facts }) => ({ prefix: 'review', scope: facts.gate, story: `sabotage of #${facts.claim}` }),
  veto: ({ facts }) => ({ prefix: 'review', story: `VETO ${short(facts.title)}` }),
  decision: ({ facts }) => ({ prefix: 'decisions', story: short(facts.title) }),
  deferral: ({ facts }) => ({ prefix: 'deferred', story: short(facts.title) }),
  reentry: ({ facts }) => ({ prefix: 'deferred', story: `re-entry of #${facts.deferral} proposed` }),
  close: ({ facts, role }) => ({ prefix: closePrefix(facts.as, role), story: `#${facts.target} ${facts.as}` }),
  act: ({ facts }) => actStory(facts.act.payload),
  refusal: ({ facts }) => ({ prefix: 'operator', story: `REFUSED ${facts.act ?? 'what was no act'}` }),
};

function subjectPart(entry: Entry): SubjectPart {
  const { prefix, scope, story } = (
    stories[entry.kind] as (entry: Entry) => Omit<SubjectPart, 'scope'> & { scope?: string }
  )(entry);
  return { prefix, scope: scope ?? entry.phase ?? 'all', story };
}

function phaseStory(facts: EntryOf<'phase'>['facts']): string {
  if (facts.event === 'parked') return `parked, ${facts.reason}`;
  return facts.event === 'done' ? 'DONE' : facts.event;
}

function sessionStory(facts: EntryOf<'session'>['facts']): string {
  const what = facts.event === 'started' ? `started, ${facts.reason.kind}` : `ended, ${facts.end}`;
  return `${facts.for} ${facts.session} ${what}`;
}

function runStory({ purpose, outcome, level, control, kept, reproducer }: EntryOf<'run'>['facts']): {
  scope?: string;
  story: string;
} {
  const scope = 'gate' in purpose ? { scope: purpose.gate } : {};
  const result =
    control?.result ?? kept?.result ?? reproducer ?? (outcome === 'PASS' ? `PASS, level ${level}` : outcome);
  return { ...scope, story: `${purposeStory(purpose)}${result}` };
}

function purposeStory(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'gate':
      return '';
    case 'control':
      return `control ${purpose.control} `;
    case 'reproducer':
      return `reproducer of #${purpose.finding} `;
    case 'base':
      return `base ${purpose.recipe} `;
    case 'kept':
      return `tests of ${purpose.from.slice(0, 7)} `;
    case 'holdout':
      return 'hold-outs ';
    case 'trigger':
      return `trigger of #${purpose.deferral} `;
    case 'trial':
      return `trial by the ${purpose.by} `;
    default:
      return purpose satisfies never;
  }
}

function closePrefix(as: EntryOf<'close'>['facts']['as'], role: Entry['role']): string {
  if (as === 'withdrawn') return 'claim';
  if (as === 'lifted') return 'review';
  if (as === 'superseded') return role === 'adversary' ? 'review' : 'status';
  return 'backlog';
}

function actStory(payload: EntryOf<'act'>['facts']['act']['payload']): {
  prefix: string;
  scope?: string;
  story: string;
} {
  const target = 'target' in payload ? ` #${payload.target}` : '';
  const condition =
    payload.act === 'waive' ? ` ${payload.condition}` : payload.act === 'rotate' ? ` ${payload.role}` : '';
  const scope = payload.act === 'waive' ? payload.gate : 'phase' in payload ? payload.phase : undefined;
  return { prefix: 'operator', ...(scope ? { scope } : {}), story: `${payload.act}${target}${condition}` };
}

function short(title: string): string {
  const characters = [...title];
  return characters.length <= titleCharsMax ? title : `${characters.slice(0, titleCharsMax - 1).join('')}…`;
}
