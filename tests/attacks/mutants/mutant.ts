// A rule to switch off: the text of the rule, which occurs exactly once in its file, the text that replaces it, and the
// attack whose case must then turn red.

export type Mutant = { rule: string; file: string; find: string; replace: string; attack: string };

/** For a rule that is a condition: `if (…)` never becomes true. */
export function never(rule: string, file: string, condition: string, attack: string): Mutant {
  return { rule, file, find: `if (${condition})`, replace: 'if (false)', attack };
}

export function instead(rule: string, file: string, find: string, replace: string, attack: string): Mutant {
  return { rule, file, find, replace, attack };
}

export function gone(rule: string, file: string, find: string, attack: string): Mutant {
  return instead(rule, file, find, '', attack);
}
