// An attack does something that Coldpass must refuse, against the real thing, and must be stopped by exactly the rule
// that is meant to stop it. Its twin looks similar, is honest, and passes. Does not use vitest, since
// `mutants/switchOff.ts` also runs single cases as programs, with one rule of the product switched off.

import type { AuditReport } from '../../state/audit/audit.ts';

/** What refused: a family of rules, followed by the name of the rule. */
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

/** The outcome of a case. `accepted`: it got what it asked for, DONE or anything else, which an attack must not. */
export type Outcome = { accepted: boolean; refusals: Refusal[]; audit: Pick<AuditReport, 'ok' | 'problems'> };

/** A case plays in the folder of its family, which is removed afterwards; costly things are shared there. */
type Played = { title: string; play(dir: string): Promise<Outcome> };

export type Attack = Played & {
  /** Its row in the list of known attacks, or a name if it is not in the list. */
  rows: string;
  refusedBy: Rule;
  because: RegExp;
  /** Set if it plays a whole phase, which takes most of the families' time. */
  playsPhase?: true;
};

export type Twin = Played;

export type Family = { letter: string; name: string; attacks: Attack[]; twins: Twin[] };

/** A case with the wrong outcome. `through`: the attack got what it wanted. */
export class Red extends Error {
  readonly kind: 'through' | 'another rule' | 'audit' | 'twin refused';

  constructor(kind: Red['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Plays an attack and returns what refused it. Throws Red if it got through or another rule had to step in. */
export async function attack(one: Attack, dir: string): Promise<Refusal> {
  const { accepted, refusals, audit } = await one.play(dir);
  const seen = refusals.map(({ by, why }) => `  ${by}: ${why}`).join('\n') || '  nothing';
  if (accepted) throw new Red('through', `«${one.title}» got through; what was refused:\n${seen}`);
  const fits = refusals.find(({ by, why }) => by === one.refusedBy && one.because.test(why));
  if (!fits) throw new Red('another rule', `«${one.title}»: not ${one.refusedBy} ${one.because}, but:\n${seen}`);
  if (!audit.ok) throw new Red('audit', `«${one.title}» left a trail that the audit refuses: ${problemsOf(audit)}`);
  return fits;
}

/** Plays a twin, which must get what it asks for; throws Red if not. */
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
