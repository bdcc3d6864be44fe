// The controls `omit-volume` and `no-restore`: if one volume, or everything, is not restored after a disaster, some
// test must fail on an assertion, or nobody would notice a missing backup. One run makes all restores, one after
// another, on one deployment, so it also shows that all is green when everything is restored. Pure. The Builder reads
// the messages.

import { isCheck, type RunRecord, type TestResult } from '../entry/record.ts';
import type { Drill } from '../entry/spec.ts';
import { inconclusive, type Judgement, judged, names, unlike } from './judgement.ts';

export const withAll = 'with all';

/** The restores ("turns") of a drill that leave something out, named by what they leave out; `withAll` comes first. */
export function turnsOf(drill: Drill, volumes: readonly string[]): string[] {
  return drill === 'no-restore' ? ['without any'] : volumes.map((volume) => `without ${volume}`);
}

/** A test's id in a drill's record. */
export function idInTurn(turn: string, id: string): string {
  return `${turn} > ${id}`;
}

/** BITES if in every turn some test that is green when everything is restored fails on an assertion. */
export function judgeDrill(drill: Drill, { claim, control }: { claim: RunRecord; control: RunRecord }): Judgement {
  const spoilt = unlike(claim, control, 'incomplete restores');
  if (spoilt !== null) return inconclusive(spoilt);
  const volumes = [...new Set([claim, control].flatMap(({ app }) => app?.backedUp ?? []))].sort();
  if (volumes.length === 0) return inconclusive('The app backs up no volume, so none can be left out.');
  const all = testsIn(withAll, control);
  const failing = all.filter(({ status }) => status === 'fail');
  if (failing.length > 0) return inconclusive(`With all restored these fail: ${names(failing)}.`);
  const green = greenOf(all, claim);
  if (green.length === 0) return inconclusive('With all restored no test of the claim ran.');
  const turns = turnsOf(drill, volumes).map((turn) => lookAt(turn, green, testsIn(turn, control)));
  const of = (result: Turn['result']) => turns.filter((turn) => turn.result === result);
  const vacuous = of('VACUOUS');
  if (vacuous.length > 0)
    return judged(
      'VACUOUS',
      `Every test stays green ${vacuous.map(({ turn }) => inWords(turn)).join(', and ')}. After the restore, test what was there before.`,
    );
  const unclear = of('INCONCLUSIVE');
  const deciding = unclear.length > 0 ? unclear : turns;
  return judged(
    unclear.length > 0 ? 'INCONCLUSIVE' : 'BITES',
    deciding.map(({ turn, why }) => `${capital(inWords(turn))} ${why}.`).join(' '),
  );
}

/** Ids of tests that notice a loss in a drill: green after a whole restore, failing on an assertion in some turn. */
export function noticedIn({ tests }: RunRecord): Set<string> {
  const parts = tests.map((test) => ({ ...partsOf(test.id), test }));
  const green = new Set(
    parts.filter(({ turn, test }) => turn === withAll && test.status === 'pass').map(({ id }) => id),
  );
  const noticed = parts.filter(({ turn, test }) => turn !== null && turn !== withAll && isAsserted(test));
  return new Set(noticed.map(({ id }) => id).filter((id) => green.has(id)));
}

type Turn = { turn: string; result: Judgement['result']; why: string };

/** The result of one turn, by the tests that are green when everything is restored. */
function lookAt(turn: string, green: TestResult[], there: TestResult[]): Turn {
  const results = green.map(({ id }) => ({ id, test: there.find((one) => one.id === id) }));
  const biting = results.filter(({ test }) => test && isAsserted(test));
  if (biting.length > 0) return { turn, result: 'BITES', why: `these fail on an assertion: ${names(biting)}` };
  const failing = results.filter(({ test }) => test?.status === 'fail');
  if (failing.length > 0)
    return { turn, result: 'INCONCLUSIVE', why: `these fail, but not on an assertion: ${names(failing)}` };
  const gone = results.filter(({ test }) => test?.status !== 'pass');
  if (gone.length > 0) return { turn, result: 'INCONCLUSIVE', why: `these did not run: ${names(gone)}` };
  return { turn, result: 'VACUOUS', why: '' };
}

/** Passed checks of the harness, and passed tests that the claim's own run passed too: others show nothing here. */
function greenOf(all: TestResult[], claim: RunRecord): TestResult[] {
  const own = new Set(claim.tests.filter(({ status }) => status === 'pass').map(({ id }) => id));
  return all.filter((test) => test.status === 'pass' && (isCheck(test) || own.has(test.id)));
}

/** The tests of one turn, by their plain ids. */
function testsIn(turn: string, { tests }: RunRecord): TestResult[] {
  const begins = idInTurn(turn, '');
  return tests.filter(({ id }) => id.startsWith(begins)).map((test) => ({ ...test, id: test.id.slice(begins.length) }));
}

function partsOf(id: string): { turn: string | null; id: string } {
  const [, turn = null, rest = id] = /^(with all|without [\w.-]+) > (.*)$/s.exec(id) ?? [];
  return { turn, id: rest };
}

function isAsserted({ failure }: TestResult): boolean {
  return failure?.kind === 'assertion';
}

function inWords(turn: string): string {
  if (turn === 'without any') return 'with nothing restored';
  return `with the volume "${turn.replace('without ', '')}" left out of the restore`;
}

function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
