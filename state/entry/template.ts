// How each kind of entry reads: its heading, and its facts as a list, before the author's words. An entry parses only
// if this file renders it again byte for byte, so the wording here is part of the format, and changes only with a new
// `v`.

import type { Entry, EntryOf, Kind } from './entry.ts';
import { codes, type Layout, listRow, prose, type Row, refs, row, rowsToMarkdown } from './layout.ts';
import { actLayout, phaseLayout, refusalLayout, runLayout, sessionLayout } from './machineTemplate.ts';
import { code, joined, type Md, md } from './words.ts';

const templates: { [K in Kind]: (entry: EntryOf<K>) => Layout } = {
  phase: ({ facts }) => phaseLayout(facts),
  session: ({ facts }) => sessionLayout(facts),
  run: ({ facts }) => runLayout(facts),
  act: ({ facts }) => actLayout(facts),
  refusal: ({ facts }) => refusalLayout(facts),
  claim: claimLayout,
  blocked: blockedLayout,
  note: (entry) => titled('NOTE', entry),
  item: (entry) => titled('ITEM', entry),
  journal: (entry) => titled('JOURNAL', entry),
  decision: (entry) => titled('DECISION', entry),
  deferral: deferralLayout,
  reentry: reentryLayout,
  verdict: verdictLayout,
  advice: (entry) => ({ heading: md`ADVICE on #${entry.facts.blocked}`, rows: [byline(entry)] }),
  finding: findingLayout,
  sabotage: sabotageLayout,
  veto: (entry) => titled('VETO', entry, [listRow('Stands until', entry.facts.until.map(line))]),
  close: closeLayout,
};

/** Everything in an entry above its author's words: `## …`, and its facts if it has any to show. */
export function headOf(entry: Entry): string {
  const { heading, rows } = (templates[entry.kind] as (entry: Entry) => Layout)(entry);
  const facts = rowsToMarkdown(rows);
  const title = `## ${heading.md} @${entry.at} · #${entry.id}`;
  return facts === '' ? title : `${title}\n\n${facts}`;
}

type Authored = Entry & { facts: { session: string } };

function byline({ role, facts }: Authored): Row {
  return row('By', md`the ${role}, in session ${code(facts.session)}`);
}

function titled(word: string, entry: Authored & { facts: { title: string } }, rows: (Row | null)[] = []): Layout {
  return { heading: md`${word} ${entry.facts.title}`, rows: [...rows, byline(entry)] };
}

function claimLayout(entry: EntryOf<'claim'>): Layout {
  const { gate, shas, trees, references, keeps, expects, descends, touches } = entry.facts;
  const where = Object.entries(shas).map(
    ([name, sha]) => md`${name}: ${code(sha)}, tree ${code(trees[name] ?? 'unknown')}`,
  );
  const against = Object.entries(references).map(([name, sha]) => md`${name}: ${code(sha)}`);
  const earlierTests = Object.entries(keeps).map(([name, commits]) => md`${name}: ${codes(commits)}`);
  const protectedPaths = listRow('Touches what is protected', touches.map(code));
  const earlier = descends.length === 0 ? null : row('Builds on', refs(descends));
  return {
    heading: md`CLAIM ${gate}`,
    rows: [
      listRow('At', where),
      listRow('Controls compare with', against),
      listRow('Keeps the tests of', earlierTests),
      ...expectRows(expects),
      protectedPaths,
      earlier,
      byline(entry),
    ],
  };
}

function expectRows({ level, tests, pass, looksBad }: EntryOf<'claim'>['facts']['expects']): (Row | null)[] {
  return [
    level === undefined ? null : row('Expects level', md`${level}`),
    tests === undefined ? null : row('Expects tests, at least', md`${tests}`),
    listRow('Expects to pass', pass.map(line)),
    listRow('Looks bad and is not', looksBad.map(line)),
  ];
}

function blockedLayout(entry: EntryOf<'blocked'>): Layout {
  const { action, verify, blocks, options, disputes } = entry.facts;
  const gates = blocks.join(', ');
  return {
    heading: disputes === undefined ? md`BLOCKED ${gates}` : md`DISPUTE of #${disputes}, ${gates}`,
    rows: [
      row('Asks the operator to', line(action)),
      row('Done when', line(verify)),
      listRow('Options', options.map(line)),
      byline(entry),
    ],
  };
}

function verdictLayout(entry: EntryOf<'verdict'>): Layout {
  const { gate, verdict, claim, runs, findings, checks, closes, served } = entry.facts;
  return {
    heading: md`${gate} ${verdict}`,
    rows: [
      row('Claim', md`#${claim}`),
      runs.length === 0 ? null : row('Runs seen', codes(runs)),
      findings.length === 0 ? null : row('Blocked by', refs(findings)),
      served === undefined
        ? null
        : row('Diff shown', md`whole, in ${served.parts} part(s), digest ${code(served.diff)}`),
      listRow('Checked', checks.map(checkOf)),
      listRow(
        'Closes',
        closes.map(({ finding, answers }) => md`#${finding}: ${answers.join(' · ')}`),
      ),
      byline(entry),
    ],
  };
}

type Check = EntryOf<'verdict'>['facts']['checks'][number];

function checkOf({ clause, saw, cites }: Check): Md {
  const sources = cites.map((cite) => ('run' in cite ? md`run ${code(cite.run)}` : md`tool result ${cite.call}`));
  return md`${clause}: ${saw} (${joined(sources)})`;
}

function findingLayout(entry: EntryOf<'finding'>): Layout {
  const { gate, claim, title, fix, reproducer } = entry.facts;
  return {
    heading: md`FINDING ${gate}: ${title}`,
    rows: [
      claim === null ? null : row('Against', md`claim #${claim}`),
      listRow('Fixed when', fix.map(line)),
      ...(reproducer === undefined
        ? [row('Reproducer', md`none, on the Adversary's word`)]
        : [
            row('Reproducer', md`${code(reproducer.path)}, file ${code(reproducer.file)}`),
            prose('Run it by', reproducer.command),
          ]),
      byline(entry),
    ],
  };
}

function sabotageLayout(entry: EntryOf<'sabotage'>): Layout {
  const { claim, gate, edits } = entry.facts;
  const patch = edits.flatMap(({ path, find, replace }) => [
    row('In', code(path)),
    prose('Instead of', find),
    replace === '' ? row('It has', md`nothing`) : prose('It has', replace),
  ]);
  return { heading: md`SABOTAGE of #${claim}, ${gate}`, rows: [...patch, byline(entry)] };
}

function closeLayout(entry: EntryOf<'close'>): Layout {
  const { target, as, answers } = entry.facts;
  return { heading: md`CLOSED #${target}, ${as}`, rows: [listRow('Answers', answers.map(line)), byline(entry)] };
}

function deferralLayout(entry: EntryOf<'deferral'>): Layout {
  const { name, trigger, clauses } = entry.facts;
  const of = clauses.length === 0 ? null : row('Belongs to', md`${clauses.join(', ')}`);
  return titled('DEFERRED', entry, [row('Name', code(name)), row('Comes back', triggerOf(trigger)), of]);
}

function reentryLayout({ facts }: EntryOf<'reentry'>): Layout {
  const { deferral, edge, why, run } = facts;
  return {
    heading: md`RE-ENTRY of #${deferral} proposed`,
    rows: [prose('Why', why), row('Firing', md`${edge}`), run === null ? null : row('Seen in', md`run ${code(run)}`)],
  };
}

function triggerOf(trigger: EntryOf<'deferral'>['facts']['trigger']): Md {
  if (trigger.kind === 'manual') return md`when the operator says so`;
  if (trigger.kind === 'date') return md`on ${trigger.at}`;
  return md`when ${code(trigger.run.replaceAll('\n', ' ; '))} succeeds`;
}

function line(text: string): Md {
  return md`${text}`;
}
