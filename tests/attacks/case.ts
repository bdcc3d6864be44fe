// An attack tries something that the real product must refuse, by exactly the rule that is meant to refuse it. An
// honest twin looks similar and must pass. Does not use vitest, since `mutants/switchOff.ts` also plays single attacks
// in a program, with one rule of the product switched off.

import type { AuditReport } from '../../state/audit/audit.ts';

/** What refused a case: a part of the product, followed by the name of the rule if the part has several. */
export type Rule =
  | `gate: ${'claim' | 'runs' | 'closed' | 'controls' | 'tests' | 'holdout' | 'protected' | 'verdict' | 'findings' | 'requires'}`
  | `tool: ${string}`
  | `park: ${string}`
  | `hook: ${string}`
  | 'body'
  | 'funnel'
  | 'inbox'
  | 'audit'
  | 'sandbox'
  | 'command';

export type Refusal = { by: Rule; why: string };

/** The outcome of a case. `accepted`: the case got what it asked for, DONE or anything else, which no attack may. */
export type Outcome = { accepted: boolean; refusals: Refusal[]; audit: Pick<AuditReport, 'ok' | 'problems'> };

/** `dir` is the folder of the family, which is removed afterwards; its cases share what is costly to make in it. */
type Played = { title: string; play(dir: string): Promise<Outcome> };

export type Attack = Played & {
  /** The number of the attack in the list of known attacks, or a name if it is not in the list. */
  rows: string;
  refusedBy: Rule;
  because: RegExp;
  /** Set if the attack plays a whole phase; such attacks take most of the time. */
  playsPhase?: true;
};

export type Twin = Played;

export type Family = { letter: string; name: string; attacks: Attack[]; twins: Twin[] };

/** Thrown for a case with the wrong outcome. `through`: the attack got what it wanted. */
export class Red extends Error {
  readonly kind: 'through' | 'another rule' | 'audit' | 'twin refused';

  constructor(kind: Red['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Plays an attack and returns what refused it. Throws Red if it got through, another rule refused it or the audit
 * fails.
 */
export async function attack(one: Attack, dir: string): Promise<Refusal> {
  const { accepted, refusals, audit } = await one.play(dir);
  const seen = refusals.map(({ by, why }) => `  ${by}: ${why}`).join('\n') || '  nothing';
  if (accepted) throw new Red('through', `«${one.title}» got through; what was refused:\n${seen}`);
  const fits = refusals.find(({ by, why }) => by === one.refusedBy && one.because.test(why));
  if (!fits) throw new Red('another rule', `«${one.title}»: not ${one.refusedBy} ${one.because}, but:\n${seen}`);
  if (!audit.ok) throw new Red('audit', `«${one.title}» left a trail that the audit refuses: ${problemsOf(audit)}`);
  return fits;
}

/** Plays a twin. Throws Red if it does not get what it asks for, or if the audit fails. */
export async function honest(one: Twin, dir: string): Promise<void> {
  const { accepted, refusals, audit } = await one.play(dir);
  const seen = refusals.map(({ by, why }) => `  ${by}: ${why}`).join('\n');
  if (!accepted) throw new Red('twin refused', `honest «${one.title}» was refused:\n${seen}`);
  if (!audit.ok)
    throw new Red('audit', `honest «${one.title}» left a trail that the audit refuses: ${problemsOf(audit)}`);
}

function problemsOf(audit: Outcome['audit']): string {
  return audit.problems.map(({ entry, what }) => `#${entry ?? '-'} ${what}`).join('; ');
}
