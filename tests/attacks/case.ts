// What an attack is: somebody does what the plan of Coldpass must not let through, against the real thing, and the very rule
// that is meant to stop it does. Its twin looks alike, is honest, and passes. Without vitest: a program runs single cases, too,
// with one rule of the product switched off (`switchOff.ts`).

import type { AuditReport } from '../../state/audit/audit.ts';

/** What refused, in the order in which a case meets them: the families of rules, each followed by the rule's own name. */
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

/** What came of a case: `accepted` is the thing that an attack must not get, DONE or whatever else it asked for. */
export type Outcome = { accepted: boolean; refusals: Refusal[]; audit: Pick<AuditReport, 'ok' | 'problems'> };

/** A case plays in a folder of its family's, which goes afterwards; what is costly to lay is shared there. */
type Played = { title: string; play(dir: string): Promise<Outcome> };

export type Attack = Played & {
  /** Rows of the known attacks, or a name for what has none. */
  rows: string;
  refusedBy: Rule;
  because: RegExp;
  /** It takes a phase from its plan on: most of what the families cost. */
  playsPhase?: true;
};

export type Twin = Played;

export type Family = { letter: string; name: string; attacks: Attack[]; twins: Twin[] };

/** A case that did not come out as it must. `through`: the attack got what it wanted. */
export class Red extends Error {
  readonly kind: 'through' | 'another rule' | 'audit' | 'twin refused';

  constructor(kind: Red['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Plays an attack; gives what refused it. Throws Red where it got through, or another rule had to step in. */
export async function attack(one: Attack, dir: string): Promise<Refusal> {
  const { accepted, refusals, audit } = await one.play(dir);
  const seen = refusals.map(({ by, why }) => `  ${by}: ${why}`).join('\n') || '  nothing';
  if (accepted) throw new Red('through', `«${one.title}» got through; refused meanwhile:\n${seen}`);
  const fits = refusals.find(({ by, why }) => by === one.refusedBy && one.because.test(why));
  if (!fits) throw new Red('another rule', `«${one.title}»: not ${one.refusedBy} ${one.because}, but:\n${seen}`);
  if (!audit.ok) throw new Red('audit', `«${one.title}» left a trail that the audit refuses: ${told(audit)}`);
  return fits;
}

/** Plays a twin, which must get what it asks for. */
export async function honest(one: Twin, dir: string): Promise<void> {
  const { accepted, refusals, audit } = await one.play(dir);
  const seen = refusals.map(({ by, why }) => `  ${by}: ${why}`).join('\n');
  if (!accepted) throw new Red('twin refused', `honest «${one.title}» was refused:\n${seen}`);
  if (!audit.ok) throw new Red('audit', `honest «${one.title}» left a trail that the audit refuses: ${told(audit)}`);
}

function told(audit: Outcome['audit']): string {
  return audit.problems.map(({ entry, what }) => `#${entry ?? '-'} ${what}`).join('; ');
}
