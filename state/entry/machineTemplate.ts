// Templates of the entries that no model writes: phase, session, run, act, refusal. As in template.ts, the wording is
// part of the format, and changes only with a new `v`.

import type { ActPayload } from './act.ts';
import type { Facts } from './entry.ts';
import { codes, type Layout, listRow, prose, type Row, refs, row } from './layout.ts';
import type { Purpose } from './record.ts';
import { controlsOf, coveredBy, type GateSpec, type PhaseSpec } from './spec.ts';
import { code, joined, type Md, md } from './words.ts';

type ParkReason = (Facts<'phase'> & { event: 'parked' })['reason'];
type ActName = ActPayload['act'];

/** For each reason to park a phase: the reason in words, and which of the operator's acts end the parking. */
export const parkReasons: Record<ParkReason, { says: string; acts: ActName[] }> = {
  idle: { says: 'nobody has anything left to do', acts: ['resume', 'waive', 'drop'] },
  unverified: { says: 'the Adversary could not come to a verdict', acts: ['resume', 'waive', 'drop'] },
  blocked: {
    says: 'the Builder needs something that only the operator can do',
    acts: ['approve', 'refuse', 'waive', 'drop'],
  },
  dispute: { says: 'Builder and Adversary disagree on a finding', acts: ['lift', 'refuse', 'resume', 'drop'] },
  infra: { says: 'the machinery failed three times', acts: ['resume', 'drop'] },
  failing: { says: 'the same failure came three times', acts: ['resume', 'waive', 'drop'] },
  budget: { says: 'the budget is used up', acts: ['resume', 'amend', 'drop'] },
  aged: { says: 'evidence grew too old twice', acts: ['resume', 'waive', 'drop'] },
  word: { says: "three FAILs rest on the Adversary's word alone", acts: ['lift', 'resume', 'waive', 'drop'] },
  backend: { says: 'the model could not be reached', acts: ['resume', 'drop'] },
  calibration: { says: 'the Adversary was not shown to judge well enough', acts: ['resume', 'amend', 'drop'] },
};

export function phaseLayout(facts: Facts<'phase'>): Layout {
  switch (facts.event) {
    case 'opened':
      return openedLayout(facts);
    case 'parked':
      return {
        heading: md`PARKED, ${facts.reason}`,
        rows: [
          row('Reason', md`${parkReasons[facts.reason].says}`),
          prose('Why', facts.why),
          facts.about === null ? null : row('About', md`#${facts.about}`),
          row('Acts that leave this', codes(parkReasons[facts.reason].acts)),
        ],
      };
    case 'resumed':
      return { heading: md`RESUMED`, rows: [row('By act', md`#${facts.act}`)] };
    case 'done':
      return {
        heading: md`DONE`,
        rows: [
          row('Claim', md`#${facts.claim}`),
          row('At', code(facts.sha)),
          row('Not merged', md`that is the operator's to do`),
        ],
      };
    case 'abandoned':
      return { heading: md`ABANDONED`, rows: [row('By act', md`#${facts.act}`)] };
    default:
      return facts satisfies never;
  }
}

export function sessionLayout(facts: Facts<'session'>): Layout {
  if (facts.event === 'started') {
    const { shown } = facts;
    const runs = shown.runs.length === 0 ? md`no runs` : md`runs ${codes(shown.runs)}`;
    return {
      heading: md`SESSION ${facts.session} of the ${facts.for} started`,
      rows: [
        row('Woken', wokenBy(facts.reason)),
        row('Model', md`${facts.model}, by ${facts.backend}, prompt ${code(facts.prompt)}`),
        row('Shown', md`the trail up to #${shown.upTo}, ${runs}`),
        row('Reserved', dollars(facts.reservedUsd)),
      ],
    };
  }
  const { tokens } = facts;
  const cache = md`${tokens.cacheRead} read from the cache, ${tokens.cacheWrite} written to it`;
  return {
    heading: md`SESSION ${facts.session} of the ${facts.for} ended, ${facts.end}`,
    rows: [
      prose('Why', facts.why),
      row(
        'Cost',
        md`${dollars(facts.usd)} in ${facts.turns} turns; tokens: ${tokens.input} in, ${tokens.output} out, ${cache}`,
      ),
      facts.published === null ? null : row('Published', code(facts.published)),
      row('Transcript', facts.transcript === null ? md`none` : code(facts.transcript)),
    ],
  };
}

export function runLayout(facts: Facts<'run'>): Layout {
  const { counts, control } = facts;
  const tests = `${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped`;
  const where = Object.entries(facts.shas).map(
    ([name, sha]) => md`${name}: ${code(sha)}, tree ${code(facts.trees[name] ?? 'unknown')}`,
  );
  return {
    heading: md`RUN ${facts.run} ${control?.result ?? facts.reproducer ?? facts.outcome}`,
    rows: [
      row('For', purposeOf(facts.purpose)),
      row('Outcome', md`${facts.outcome}, level ${facts.level}; tests: ${tests}`),
      prose('Reason', facts.reason),
      listRow(
        'Not met',
        facts.unmet.map((text) => md`${text}`),
      ),
      control === undefined ? null : row('Control', md`${control.result}`),
      prose('Control says', control?.why),
      facts.reproducer === undefined ? null : row('Reproducer', md`${facts.reproducer}`),
      row('Recipe', md`${facts.recipe}, ${code(facts.recipeDigest)}`),
      listRow('At', where),
      row('Sandbox', md`${facts.sandbox}`),
      row('Results', facts.results === null ? md`none, the run was lost` : code(facts.results)),
    ],
  };
}

export function actLayout({ act }: Facts<'act'>): Layout {
  const { payload } = act;
  return {
    heading: md`OPERATOR ${payload.act}`,
    rows: [
      row('Act', actSays(payload)),
      'until' in payload && Array.isArray(payload.until)
        ? listRow(
            'Stands until',
            payload.until.map((text) => md`${text}`),
          )
        : null,
      ...(payload.act === 'amend' ? planRows(payload) : []),
      'because' in payload ? prose('Because', payload.because) : null,
      'text' in payload ? prose('Says', payload.text) : null,
      row('Signed', md`at ${act.at}, good until ${act.expires}, for ${act.workspace}`),
    ],
  };
}

export function refusalLayout(facts: Facts<'refusal'>): Layout {
  const { file, act, nonce, signer, reason, isLast } = facts;
  return {
    heading: md`REFUSED ${act ?? 'what was no act'}`,
    rows: [
      prose('Reason', reason),
      row('File', file === null ? md`none that could be read` : code(file)),
      row('Signed by', signer === null ? md`nobody, as far as can be told` : code(signer)),
      nonce === null ? null : row('Nonce', code(nonce)),
      isLast ? row('And more', md`of what is refused later on this day nothing is kept`) : null,
    ],
  };
}

function openedLayout(facts: Facts<'phase'> & { event: 'opened' }): Layout {
  const { spec } = facts;
  return {
    heading: md`OPENED ${spec.phase}`,
    rows: [
      row('Plan', md`${spec.title}, ${code(facts.plan)}, queued by #${facts.queue}`),
      row('Base', md`${spec.base} at ${code(facts.base)}`),
      ...planRows(facts),
      row('Sandbox', md`${facts.sandbox}, ${facts.uid} uid`),
    ],
  };
}

type Planned = { spec: PhaseSpec; recipes: Record<string, string>; apps?: readonly string[] | undefined };

function planRows({ spec, recipes, apps = [] }: Planned): (Row | null)[] {
  const { budget } = spec;
  return [
    listRow(
      'Gates',
      Object.entries(spec.gates).map(([name, gate]) => gateSays(spec, name, gate, apps.includes(gate.recipe))),
    ),
    listRow(
      'Recipes',
      Object.entries(recipes).map(
        ([name, digest]) => md`${name}: ${apps.includes(name) ? 'of an app, ' : ''}${code(digest)}`,
      ),
    ),
    row('Budget', md`${dollars(budget.usd)}, ${budget.hours} hours, ${budget.claims} claims`),
  ];
}

function gateSays(spec: PhaseSpec, name: string, gate: GateSpec, isOfApp: boolean): Md {
  const controls = controlsOf(gate, isOfApp);
  const reason = Array.isArray(gate.controls) ? '' : gate.controls.none;
  return joined(
    [
      md`${name}: recipe ${gate.recipe}`,
      md`${gate.times} cold ${gate.times === 1 ? 'run' : 'runs'}`,
      gate.expect.level === undefined ? [] : md`level ${gate.expect.level}`,
      controls.length === 0 ? md`no controls (${reason})` : md`controls ${controls.join(', ')}`,
      gate.requires.length === 0 ? [] : md`after ${gate.requires.join(', ')}`,
      md`covers ${coveredBy(spec, name as never).join(', ')}`,
    ].flat(),
    '; ',
  );
}

function wokenBy(reason: (Facts<'session'> & { event: 'started' })['reason']): Md {
  switch (reason.kind) {
    case 'work':
      return md`to work on what is unmet`;
    case 'red':
      return md`claim #${reason.claim} is red`;
    case 'failed':
      return md`claim #${reason.claim} was failed`;
    case 'judge':
      return md`to judge claim #${reason.claim}`;
    case 'sabotage':
      return md`to break claim #${reason.claim} by a patch that its tests must notice`;
    case 'advise':
      return md`to advise on #${reason.blocked}`;
    case 'veto':
      return md`to look at veto #${reason.veto} again`;
    default:
      return reason satisfies never;
  }
}

function targetOf({ control, target }: Purpose & { kind: 'control' }): string {
  if (target === undefined) return '';
  return control === 'sabotage' ? `, by #${target}` : `, function ${target} of those changed`;
}

function purposeOf(purpose: Purpose): Md {
  switch (purpose.kind) {
    case 'gate':
      return md`gate ${purpose.gate}, claim #${purpose.claim}, run ${purpose.k}`;
    case 'control':
      return md`control ${purpose.control} of gate ${purpose.gate}, claim #${purpose.claim}, over ${code(purpose.reference)}${targetOf(purpose)}`;
    case 'reproducer':
      return md`reproducer of finding #${purpose.finding}, claim #${purpose.claim}`;
    case 'base':
      return md`the base, recipe ${purpose.recipe}, run ${purpose.k}`;
    case 'kept':
      return md`the tests of ${code(purpose.from)} over the code of claim #${purpose.claim}`;
    case 'holdout':
      return md`the operator's hold-outs over claim #${purpose.claim}`;
    case 'trigger':
      return md`trigger of deferral #${purpose.deferral}`;
    case 'trial':
      return md`a trial by the ${purpose.by}; it counts for nothing`;
    default:
      return purpose satisfies never;
  }
}

function actSays(payload: ActPayload): Md {
  switch (payload.act) {
    case 'queue':
      return joined(
        [
          md`queue phase ${payload.phase}, plan ${code(payload.plan)}, base ${code(payload.baseSha)}, ${recipesOf(payload.recipes)}`,
          payload.reentry
            ? md`to take up ${refs([payload.reentry.target])}, digest ${code(payload.reentry.targetDigest)}`
            : [],
        ].flat(),
      );
    case 'waive':
      return md`waive ${payload.condition} of gate ${payload.gate} in phase ${payload.phase} until ${payload.until}`;
    case 'approve':
    case 'refuse':
    case 'lift':
      return md`${payload.act} ${refs([payload.target])}, digest ${code(payload.targetDigest)}`;
    case 'veto':
    case 'resume':
    case 'drop':
    case 'note':
      return md`${payload.act}, phase ${payload.phase}`;
    case 'amend':
      return md`amend phase ${payload.phase}, plan ${code(payload.plan)} in the place of ${code(payload.replaces)}, ${recipesOf(payload.recipes)}`;
    case 'rotate':
      return md`rotate the key of the ${payload.role}: ${code(payload.publicKey)} in the place of ${code(payload.old)}`;
    default:
      return payload satisfies never;
  }
}

function recipesOf(recipes: Record<string, string>): Md {
  return joined(Object.entries(recipes).map(([name, digest]) => md`recipe ${name} ${code(digest)}`));
}

function dollars(usd: number): Md {
  return md`$${usd.toFixed(4)}`;
}
