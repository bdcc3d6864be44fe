// A rule switched off: the text that holds it, which stands exactly once in its file, what is put in its place, and the attack
// that must miss it.

export type Mutant = { rule: string; file: string; find: string; replace: string; attack: string };

/** A rule that is a condition: `if (…)` never comes true. */
export function never(rule: string, file: string, condition: string, attack: string): Mutant {
  return { rule, file, find: `if (${condition})`, replace: 'if (false)', attack };
}

export function instead(rule: string, file: string, find: string, replace: string, attack: string): Mutant {
  return { rule, file, find, replace, attack };
}

export function gone(rule: string, file: string, find: string, attack: string): Mutant {
  return instead(rule, file, find, '', attack);
}
