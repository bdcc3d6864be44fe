// A mutant switches off one rule of the product: it has the rule's text, which occurs exactly once in `file`, the text
// that replaces it, and the title of the attack that must then turn red.

export type Mutant = { rule: string; file: string; find: string; replace: string; attack: string };

/** A mutant in which the condition of an `if` is never true. */
export function never(rule: string, file: string, condition: string, attack: string): Mutant {
  return { rule, file, find: `if (${condition})`, replace: 'if (false)', attack };
}

export function instead(rule: string, file: string, find: string, replace: string, attack: string): Mutant {
  return { rule, file, find, replace, attack };
}

export function gone(rule: string, file: string, find: string, attack: string): Mutant {
  return instead(rule, file, find, '', attack);
}
