// One error or warning about a file that people write.

/**
 * `what` says what is wrong, `line` on which line (from 1; null if no line is at fault), and `fix` what to do. An error
 * keeps a plan off the queue.
 */
export type Problem = { line: number | null; what: string; fix: string; level: 'error' | 'warning' };

export function error(line: number | null, what: string, fix: string): Problem {
  return { line, what, fix, level: 'error' };
}

export function warning(line: number | null, what: string, fix: string): Problem {
  return { line, what, fix, level: 'warning' };
}
