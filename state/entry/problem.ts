// One thing that is wrong, or doubtful, in a file that people write.

/** What, where (a line of the file, from 1; null where it is no line's fault), and what to do. Errors keep a plan from being queued. */
export type Problem = { line: number | null; what: string; fix: string; level: 'error' | 'warning' };

export function error(line: number | null, what: string, fix: string): Problem {
  return { line, what, fix, level: 'error' };
}

export function warning(line: number | null, what: string, fix: string): Problem {
  return { line, what, fix, level: 'warning' };
}
