import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PhaseOpened } from '../../../state/entry/entry.ts';
import { Refused } from '../../../state/entry/errors.ts';
import { Recipe } from '../../../state/entry/recipe.ts';
import { FrontMatter } from '../../../state/entry/spec.ts';
import { unfitCharacter } from '../../../state/entry/words.ts';
import { checkPlan, newPlan, type Problem, proposeFrontMatter, readPlan } from '../../../state/plan/plan.ts';
import { seedText } from '../../support/plain.ts';
import { fc } from '../../support/property.ts';
import { titled } from '../../support/titled.ts';

// A plan as pasted from a web page: no heading marks, and a Definition of Done in one paragraph.
const pasted = `Files
plans/plan-phase-notes.md
bot 12ab34cd plan: phase notes

Phase notes — keep notes over a restart (index and files)

Mission (asked for on Monday): notes vanish on restart; keep them.

State files: STATUS-notes.md, REVIEW-notes.md.

1. Starting facts

  • The index is one file; notes are many.
  1. This numbered fact is no requirement.

2. Work requirements

  1. Find out what is kept where: the index, the files;
     say so in the README.
  2. Write both at shutdown.
  3. Show with a test that a note
     survives; extend what is there.

3. Gates

M1 — Both stores kept. The tests of 2.1 and 2.3 are read by somebody else.

M2 — Hand-off. Everything again.

4. Guardrails (binding)

  • No test is weakened.

5. Definition of Done

Both stores survive (index; files) at one commit; the \`a; b\` case too; README says so.
`;

const front = `---
phase: notes
base: main
gates:
  M1: { recipe: test, covers: ["2.1", "2.3"], times: 2, expect: { level: 1 } }
  M2: { recipe: test, requires: [M1], covers: ["2.2"], controls: { none: "nothing here can go red" } }
budget: { usd: 5 }
---
`;

const recipes = { test: Recipe.parse({ stages: [{ name: 'unit', run: 'node --test' }], tests: ['tests/**'] }) };

describe('a plan', () => {
  it('gives a spec from its front matter and text', () => {
    const check = checkPlan(front + pasted, recipes);
    expect(check.problems).toEqual([]);
    expect(check.spec).toMatchObject({
      phase: 'notes',
      title: 'keep notes over a restart (index and files)',
      base: 'main',
      budget: { usd: 5, hours: 8, claims: 12 },
      clauses: [
        { id: '2.1', text: 'Find out what is kept where: the index, the files; say so in the README.' },
        { id: '2.2', text: 'Write both at shutdown.' },
        { id: '2.3', text: 'Show with a test that a note survives; extend what is there.' },
      ],
      dod: [
        { id: 'DoD.1', text: 'Both stores survive (index; files) at one commit' },
        { id: 'DoD.2', text: 'the `a; b` case too' },
        { id: 'DoD.3', text: 'README says so' },
      ],
    });
    expect(check.spec?.gates).toMatchObject({ M1: { times: 2, controls: [] }, M2: { requires: ['M1'] } });
    expect(PhaseOpened.shape.spec.safeParse(check.spec).success).toBe(true);
    expect(readPlan(front + pasted)).toEqual({ spec: check.spec });
  });

  it.each([
    ['headings of any depth', (text: string) => text.replace(/^(\d)\. /gm, '#### $1. ')],
    ['headings without a dot', (text: string) => text.replace(/^(\d)\. /gm, '## $1 ')],
    ['bold headings', (text: string) => text.replace(/^(\d\. .*)$/gm, '**$1**')],
    ['underlined headings', (text: string) => text.replace(/^(\d\. .*)$/gm, '$1\n-----')],
    ['items without indent', (text: string) => text.replace(/^ {2}(\d)\. /gm, '$1. ')],
    ['items all numbered 1', (text: string) => text.replace(/^ {2}\d\. /gm, '  1. ')],
    ['items numbered with brackets', (text: string) => text.replace(/^ {2}(\d)\. /gm, '  $1) ')],
    ['items numbered in full', (text: string) => text.replace(/^ {2}(\d)\. /gm, '  - **2.$1** ')],
    ['Windows line endings', (text: string) => text.replaceAll('\n', '\r\n')],
    ['gates in bold', (text: string) => text.replace(/^(M\d — [^.]*\.)/gm, '**$1**')],
    ['gates as headings', (text: string) => text.replace(/^(M\d) — ([^.]*)\./gm, '### $1 $2\n')],
    ['gates as a list', (text: string) => text.replace(/^(M\d) — /gm, '- $1: ')],
    ['gates as a bold list', (text: string) => text.replace(/^(M\d) — /gm, '- **$1**: ')],
    ['gates as a numbered list', (text: string) => text.replace(/^M(\d) — /gm, '$1. M$1 - ')],
    [
      'fences and comments that look like more of the plan',
      (text: string) =>
        text.replace('2. Write', '   ```\n  9. x\n## 7. Work\n   ```\n<!--\n  8. y\n-->\n<!-- 7. z -->\n  2. Write'),
    ],
  ])('may have %s', (_, change) => {
    const check = checkPlan(change(front + pasted), recipes);
    expect(check.problems).toEqual([]);
    expect(check.spec?.clauses.map((clause) => clause.id)).toEqual(['2.1', '2.2', '2.3']);
    expect(check.spec?.dod).toHaveLength(3);
    const missing = checkPlan(change(front.replace(/ {2}M2.*\n/, '') + pasted), recipes).problems;
    expect(missing.map((problem) => problem.what)).toContain(
      'the plan describes gate M2, but the front matter has no such gate',
    );
  });

  it('may have a list as its Definition of Done, whether the items are ticked or not', () => {
    const listed = pasted.replace(
      /Both stores survive.*\n/,
      '- [ ] One; really\n- [x] Two\n  in two lines\n  - nested\n\nThat is all.\n',
    );
    const texts = checkPlan(front + listed, recipes).spec?.dod.map((line) => line.text);
    expect(texts).toEqual(['One; really', 'Two in two lines - nested']);
  });

  it('never makes the parser fail, whatever it contains', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.constantFrom(
        '---',
        '```',
        '## 2. Work requirements',
        '1. x',
        '3. Gates',
        '**M1 — y**',
        '<!--',
        'gates:',
        '  M1: { recipe: a }',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const check = checkPlan(lines.join('\n'), recipes);
        for (const problem of check.problems) expect(`${problem.what}${problem.fix}`).not.toContain('\n');
        expect(check.spec === null).toBe(check.problems.some((problem) => problem.level === 'error'));
      }),
    );
  });
});

describe('a plan is refused, with line and fix,', () => {
  const gate = '  M1: { recipe: test, covers: ["2.1", "2.3"], times: 2, expect: { level: 1 } }';
  it.each<[string, string, string, number | null, RegExp, RegExp]>([
    ['with front matter that never ends', 'budget: { usd: 5 }\n---\n', '', 1, /has no end/, /add a line `---`/],
    ['with broken YAML', 'base: main', 'base: [main', 4, /not valid YAML/, /fix/],
    ['with a duplicate key', 'base: main', 'phase: other', 3, /not valid YAML.*unique/, /fix/],
    ['with an alias', 'base: main', 'base: &a main\ntests: [*a]', 4, /alias \*a/, /write the value out/],
    ['with a list as front matter', front.slice(4, -4), '- a\n', 2, /no `key: value` lines/, /begin with `phase:`/],
    ['without a phase', 'phase: notes\n', '', 2, /phase is missing/, /phase: list-json/],
    [
      'with a bad phase',
      'phase: notes',
      'phase: My Notes',
      2,
      /phase is not valid: a phase id is lower-case/,
      /correct/,
    ],
    ['with an unknown key', 'base: main', 'bass: main', 3, /^bass is unknown/, /one of phase, base, gates/],
    ['with an unknown key in a gate', 'times: 2', 'time: 2', 5, /gates.M1.time is unknown/, /recipe, covers, times/],
    [
      'with an unknown key in expect',
      'level: 1',
      'levl: 1',
      5,
      /gates.M1.expect.levl is unknown/,
      /level, pass, flags/,
    ],
    ['with a key of a later version', 'base: main', 'repos: {}', 3, /repos is not supported in this version/, /remove/],
    [
      'with no gates',
      /gates:\n.*\n.*\n/.exec(front)?.[0] ?? '',
      'gates: {}\n',
      4,
      /a plan needs at least one gate/,
      /correct/,
    ],
    ['with a gate DONE', '  M2:', '  DONE:', 4, /DONE is built in/, /correct/],
    ['with an invalid gate name', '  M2:', '  "1M":', 6, /gates.1M is not a valid name/, /rename/],
    [
      'without a recipe',
      'recipe: test, covers: ["2.1"',
      'covers: ["2.1"',
      5,
      /gates.M1.recipe is missing/,
      /recipe: test/,
    ],
    [
      'with clauses as numbers',
      '"2.1", "2.3"',
      '2.1, "2.3"',
      5,
      /gates.M1.covers.0 is the number 2.1/,
      /"2.1" in quotes/,
    ],
    [
      'with covers that is not a list',
      'covers: ["2.2"]',
      'covers: "2.2"',
      6,
      /gates.M2.covers is not a list/,
      /a list, as in/,
    ],
    ['with nothing covered', 'covers: ["2.2"]', 'covers: []', 6, /gates.M2.covers is not valid/, /correct/],
    [
      'with an unknown requirement',
      '"2.3"',
      '"2.9"',
      5,
      /covers names 2.9, but there is no such requirement/,
      /2.1, 2.2, 2.3, DoD.1/,
    ],
    ['with an unknown gate', 'requires: [M1]', 'requires: [M0]', 6, /requires names M0.*no such gate/, /M1, M2/],
    ['with a gate that requires itself', 'requires: [M1]', 'requires: [M2]', 6, /cycle: M2 → M2/, /remove one/],
    ['with gates in a circle', 'times: 2', 'requires: [M2]', 5, /cycle: M1 → M2 → M1/, /remove one/],
    [
      'with an unknown recipe',
      gate,
      gate.replace('test', 'tset'),
      5,
      /gates.M1.recipe: there is no recipe tset/,
      /one of test, or add it/,
    ],
    [
      'with a recipe named like a property of every object',
      gate,
      gate.replace('test', 'constructor'),
      5,
      /gates.M1.recipe is not valid: this name is reserved/,
      /correct it/,
    ],
    [
      'with a level beyond the recipe',
      'level: 1',
      'level: 2',
      5,
      /expects level 2, but recipe test has only 1 stage/,
      /level 1 at most/,
    ],
    [
      'with controls: none, without a reason',
      '{ none: "nothing here can go red" }',
      'none',
      6,
      /gates.M2.controls is none without a reason/,
      /none: "why/,
    ],
    [
      'with controls: none, for too short a reason',
      'nothing here can go red',
      'no',
      6,
      /is none without a reason/,
      /none: "why/,
    ],
    [
      'with an unknown control',
      '{ none: "nothing here can go red" }',
      '[coffee]',
      6,
      /controls is not a list of controls/,
      /some of revert, published, placebo, hollow/,
    ],
    [
      'with a control that only an app has',
      'times: 2,',
      'controls: [placebo, omit-volume],',
      5,
      /gates.M1.controls names omit-volume, which is for apps, but recipe test is for commands/,
      /revert \(added automatically\), published, placebo and hollow/,
    ],
    ['with too many runs', 'times: 2', 'times: 9', 5, /gates.M1.times is not valid/, /correct/],
    ['with an amount of money as text', 'usd: 5', 'usd: "5"', 7, /budget.usd is not a number/, /write a number/],
    [
      'with a duplicate requirement',
      '  3. Show',
      '## 2. Requirements\n\n  2. Show',
      31,
      /requirement 2.2 appears twice/,
      /number/,
    ],
    ['with a direction override', 'Write both', 'Write \u202eboth', 28, /U\+202E at column 12/, /remove/],
    ['with a terminal escape', 'Write both', 'Write \u001bboth', 28, /control character U\+001B/, /remove/],
    [
      'with letters not in NFC in its front matter',
      'level: 1',
      'pass: ["e\u0301"]',
      2,
      /not in Unicode form NFC/,
      /type/,
    ],
    ['too large', 'bot', 'b'.repeat(300_000), null, /over 262144/, /shorten/],
  ])('%s', (_, from, to, line, what, fix) => {
    const text = front + pasted;
    expect(text).toContain(from);
    const { spec, problems } = checkPlan(
      text.replace(from, () => to),
      recipes,
    );
    expect(spec).toBeNull();
    const match = problems.find((problem) => what.test(problem.what) && problem.level === 'error');
    expect(problems).toContainEqual(match);
    expect(match).toMatchObject({ line, what: expect.stringMatching(what), fix: expect.stringMatching(fix) });
  });

  it('with every problem if there are several', () => {
    const text = (front + pasted)
      .replace('usd: 5', 'usd: -5')
      .replace('base: main', 'bass: main')
      .replace('times: 2', 'times: 0');
    expect(checkPlan(text).problems.map((problem) => problem.line)).toEqual([3, 5, 7]);
  });
});

describe('a plan gets a warning for', () => {
  const warned = (text: string, from: string, to: string, known = recipes): Problem[] => {
    expect(text).toContain(from);
    const { spec, problems } = checkPlan(
      text.replace(from, () => to),
      known,
    );
    expect(spec).not.toBeNull();
    return problems;
  };

  it.each<[string, string, string, number | null, RegExp]>([
    ['a requirement without a gate', '"2.1", "2.3"', '"2.1"', 29, /no gate but DONE covers requirement 2.3/],
    ['a gate without a description', 'M2 — Hand-off', 'M3 — Hand-off', 6, /gate M2 is not described/],
    ['a description without a gate', 'M2 — Hand-off', 'M2 — Hand-off\n\nM3 — More', 38, /the plan describes gate M3/],
    [
      'another phase in the title',
      'Phase notes',
      'Phase nodes',
      2,
      /title names phase nodes, but the front matter names notes/,
    ],
    ['no Definition of Done', '5. Definition of Done', '5. Remarks', null, /no Definition of Done/],
    [
      'exemptions in a gate that empties no function',
      '{ none: "nothing here can go red" }',
      '{ none: "nothing here can go red" }, exempt: [log]',
      6,
      /gates.M2.exempt names functions that hollow skips, but the gate has no controls/,
    ],
  ])('%s', (_, from, to, line, what) => {
    expect(warned(front + pasted, from, to)).toContainEqual({
      line,
      what: expect.stringMatching(what),
      fix: expect.any(String),
      level: 'warning',
    });
  });

  it.each([
    ['npm test', 'package.json#scripts', true],
    ['cd web && npm run test:unit', 'package.json', true],
    ['make check', 'Makefile', true],
    ['tox -e py', 'tox.ini', true],
    ['python3 -m tox', 'pyproject.toml', true],
    ['yarn test', 'package.json#scripts', true],
    ['node_modules/.bin/vitest run', '', false],
    ['python3 -m pytest', '', false],
    ['npm ci', '', false],
    ['echo make', '', false],
  ])('a stage `%s`, unless %j is its harness: %s', (command, item, isWarned) => {
    const recipe = (harness: string[]) => ({
      test: Recipe.parse({ stages: [{ name: 'unit', run: command }], tests: ['t'], harness }),
    });
    const warnings = checkPlan(front + pasted, recipe([])).problems.map((problem) => problem.what);
    expect(warnings).toEqual(
      isWarned ? [expect.stringMatching(/stage unit of recipe test runs commands that a claim can change/)] : [],
    );
    if (isWarned) expect(checkPlan(front + pasted, recipe([item])).problems).toEqual([]);
  });
});

describe('a plan without front matter', () => {
  it('is refused, with a proposed front matter that is valid as it is', () => {
    const read = readPlan(pasted);
    expect(read).toMatchObject({
      problems: [{ line: 1, what: expect.stringContaining('no front matter'), level: 'error' }],
    });
    const { proposed = '' } = checkPlan(pasted, recipes);
    expect(proposed).toContain('# A proposal, guessed');
    const check = checkPlan(proposed + pasted, recipes);
    expect(check.problems).toEqual([]);
    expect(check.spec).toMatchObject({
      phase: 'notes',
      gates: {
        M1: { recipe: 'test', covers: ['2.1', '2.3'] },
        M2: { requires: ['M1'], covers: ['2.1', '2.2', '2.3'] },
      },
    });
  });

  it('gets a proposal with one gate if its text names no gate', () => {
    const text = '# Faster start\n\n## Work requirements\n\n1. Start in a second.\n';
    const check = checkPlan(proposeFrontMatter(text, ['a', 'b']) + text);
    expect(check.spec).toMatchObject({
      phase: 'faster-start',
      title: 'Faster start',
      gates: { M1: { recipe: 'a', covers: ['1'] } },
    });
  });

  it('gets a proposed front matter that parses, whatever the plan contains', () => {
    const id = fc.constantFrom('M1', 'M2', 'DONE', 'Q4.10', 'M1-b', 'P1', 'L5');
    const odd = fc.constantFrom(
      '\u2028',
      '\u2029',
      '\u200b',
      '\u202e',
      '\0',
      '\r',
      '\ufe0f\ufe0f',
      '\ufeff',
      '"',
      '#',
      ': ',
    );
    const words = fc.string({
      unit: fc.oneof({ weight: 9, arbitrary: fc.string({ unit: 'grapheme' }) }, odd),
      maxLength: 20,
    });
    fc.assert(
      fc.property(words, fc.array(fc.tuple(id, words), { maxLength: 4 }), (title, gates) => {
        const text = `# ${title}\n\n## 2. Work\n\n1. x\n\n## 3. Gates\n\n${gates.map(([name, says]) => `- ${name}: ${says}\n`).join('')}`;
        const front = proposeFrontMatter(text, ['no', '12']);
        const { spec, problems } = checkPlan(front + text);
        const errors = problems.filter(({ level }) => level === 'error');
        const frontLines = front.split('\n').length - 1;
        // Every error is in the plan's own text, none in the proposed front matter.
        expect(errors.filter(({ line }) => line === null || line <= frontLines)).toEqual([]);
        expect(spec === null).toBe(text.split(/\r?\n/).some((line) => unfitCharacter(line) !== null));
      }),
      { numRuns: 300 },
    );
  });
});

describe('the example in docs/plans.md', () => {
  it('is a valid plan that uses every key of front matter', () => {
    const doc = readFileSync(new URL('../../../docs/plans.md', import.meta.url), 'utf8');
    const yaml = /```yaml\n---\n([\s\S]*?)---\n```/.exec(doc)?.[1] ?? '';
    const text = '# Phase postbox-backup\n\n## 2. Work requirements\n\n1. One.\n2. Two.\n3. Three.\n';
    const recipe = Recipe.parse({ stages: ['build', 'test'].map((name) => ({ name, run: 'x' })), tests: ['tests/**'] });
    const { spec, problems } = checkPlan(`---\n${yaml}---\n\n${text}`, { unit: recipe });
    expect(problems.filter(({ level }) => level === 'error')).toEqual([]);
    expect(Object.keys(spec ?? {})).toEqual(expect.arrayContaining(Object.keys(FrontMatter.shape)));
    for (const name of Object.keys(FrontMatter.shape)) expect(yaml).toContain(name);
  });
});

describe('a new plan', () => {
  it('is complete and passes the check as it is', () => {
    const { phase, file, text } = newPlan({ title: 'list --json', recipe: 'test', base: 'main' });
    expect({ phase, file }).toEqual({ phase: 'list-json', file: 'plan-phase-list-json.md' });
    const check = checkPlan(text, recipes);
    expect(check.problems).toEqual([]);
    expect(check.spec).toMatchObject({
      phase: 'list-json',
      title: 'list --json',
      base: 'main',
      gates: { M1: { covers: ['2.1', '2.2', '2.3'] } },
    });
    expect(check.spec?.dod.length).toBeGreaterThan(0);
  });

  it('passes the check with any title that has a letter or digit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.constantFrom('main', 'no', '1.0', 'a: b', '#x'),
        (words, base) => {
          const title = `${words.replace(/[\p{C}\p{DI}\p{Zl}\p{Zp}]/gu, '').normalize('NFC')} x1`;
          const { text, phase } = newPlan({ title, recipe: 'test', base });
          const check = checkPlan(text, recipes);
          expect(check.problems).toEqual([]);
          expect(check.spec).toMatchObject({ phase, base });
        },
      ),
    );
  });

  it.each(
    titled<[string, RegExp]>([
      ['---', /needs a Latin letter or a digit/],
      ['', /needs a Latin letter/],
      ['日本', /Latin letter/],
      ['a\nb', /line break/],
      ['a\u202eb', /U\+202E/],
      ['a'.repeat(201), /201 characters/],
    ]),
  )('is refused for %s', (_name, title, message) => {
    expect(() => newPlan({ title, recipe: 'test', base: 'main' })).toThrow(message);
    expect(() => newPlan({ title, recipe: 'test', base: 'main' })).toThrow(Refused);
  });

  it('gets a short id from a long title', () => {
    const { phase } = newPlan({ title: `Für ${'ever and '.repeat(9)}`, recipe: 'test', base: 'main' });
    expect(phase).toBe('fur-ever-and-ever-and-ever-and-ever-and-e');
  });
});

const seed = seedText('002_');

describe.skipIf(seed === null)("the practice's own plan (skipped where its seed is absent)", () => {
  it('yields phase mailu, gates M1 and M2, its five requirements and a valid proposal', () => {
    const text = seed ?? '';
    const { problems, proposed = '', told } = checkPlan(text, { ...recipes, mailu: recipes.test });
    expect(problems).toHaveLength(1);
    expect(told).toEqual({ phase: 'mailu', gates: ['M1', 'M2'] });
    const { spec } = checkPlan(proposed + text);
    expect(spec?.phase).toBe('mailu');
    expect(Object.keys(spec?.gates ?? {})).toEqual(['M1', 'M2']);
    expect(spec?.gates).toMatchObject({ M1: { recipe: 'mailu' }, M2: { requires: ['M1'] } });
    expect(spec?.clauses.map((clause) => clause.id)).toEqual(['2.1', '2.2', '2.3', '2.4', '2.5']);
    expect(spec?.dod).toHaveLength(6);
  });
});

describe('a plan with a gate that an app recipe judges', () => {
  const app = Recipe.parse({ engine: 'swarm', suite: 'tests', tests: ['tests/**'] });
  const check = (gate: string) =>
    checkPlan((front + pasted).replace('times: 2, expect: { level: 1 }', gate), { test: app }).problems;

  it('may ask for drills and for the highest rung', () => {
    const problems = check('controls: [omit-volume, no-restore, placebo], expect: { level: 5 }');
    expect(problems.filter(({ what }) => what.includes('M1'))).toEqual([]);
    expect(check('expect: { level: 6 }')).toContainEqual(
      expect.objectContaining({
        level: 'error',
        what: expect.stringMatching(/level 6, but recipe test has only 5 stages/),
      }),
    );
  });

  it('gets a warning if the gate expects no level, since it would hold despite a failed lint', () => {
    expect(check('times: 2')).toContainEqual({
      line: 5,
      level: 'warning',
      what: 'gates.M1 expects no level, so an app that fails its lint passes',
      fix: 'write expect: { level: 5, flags: [clean_teardown, no_secret_leak] }',
    });
  });

  it.each(['revert', 'hollow'])(
    'may not ask for the control %s, and the error lists those that it may ask for',
    (control) => {
      expect(check(`controls: [${control}], expect: { level: 5 }`)).toContainEqual({
        line: 5,
        level: 'error',
        what: `gates.M1.controls names ${control}, which is for commands, but recipe test is for an app`,
        fix: 'remove it: an app has published (added automatically), placebo, omit-volume and no-restore',
      });
    },
  );

  it('gets a warning for exempt functions, since an app has no hollow', () => {
    expect(check('exempt: [f], expect: { level: 5 }')).toContainEqual(
      expect.objectContaining({ level: 'warning', what: expect.stringMatching(/an app has no hollow/) }),
    );
  });

  it('gets no warning about commands, since its recipe has none', () => {
    expect(
      check('expect: { level: 5 }')
        .map(({ what }) => what)
        .join(),
    ).not.toContain('stage');
  });
});
