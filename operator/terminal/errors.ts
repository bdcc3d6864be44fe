// Exit codes, and the error that each one stands for: you mistyped something, something waits for you, or the machine
// is broken. Any other error is a bug: it is not translated, and crashes with its stack.

import { Refused, TrailError } from '../../state/entry/errors.ts';

/** 0 yes · 1 no · 2 usage or bad input · 3 needs you · 4 the machine failed, not the work. */
export const exits = { yes: 0, no: 1, usage: 2, operator: 3, machine: 4 } as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** A mistake that you can correct at the keyboard. The message is one line that says what to type. */
export class UsageError extends Error {
  readonly exit: Exit;

  constructor(message: string, options?: ErrorOptions & { exit?: Exit }) {
    super(message, options);
    this.name = 'UsageError';
    this.exit = options?.exit ?? exits.usage;
  }
}

/** An error's message for the terminal and its exit code; null for a bug. */
export function explained(error: unknown): { line: string; exit: Exit } | null {
  if (error instanceof UsageError) return { line: error.message, exit: error.exit };
  if (error instanceof Refused) return { line: error.message, exit: exits.no };
  if (error instanceof TrailError) {
    return { line: error.message, exit: error.code === 'bad-file' ? exits.usage : exits.machine };
  }
  // These are recognised by name, so that this pure file need not import their rooms. Their messages are written for
  // people.
  if (error instanceof Error && (error.name === 'RunnerError' || error.name === 'AgentError')) {
    return { line: error.message, exit: exits.machine };
  }
  return null;
}
