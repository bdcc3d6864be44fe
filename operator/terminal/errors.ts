// Exit codes, and which error means which: what a person mistyped, what waits for the operator, what is broken here. An
// error that is none of these is a bug: it is not translated and crashes with its stack.

import { Refused, TrailError } from '../../state/entry/errors.ts';

/** 0 yes · 1 no · 2 not understood · 3 needs the operator · 4 the machine, not the work. */
export const exits = { yes: 0, no: 1, usage: 2, operator: 3, machine: 4 } as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** Something that the person at the keyboard puts right; the message is one line that says what to type. */
export class UsageError extends Error {
  readonly exit: Exit;

  constructor(message: string, options?: ErrorOptions & { exit?: Exit }) {
    super(message, options);
    this.name = 'UsageError';
    this.exit = options?.exit ?? exits.usage;
  }
}

/** What an error says to a person, on one line, and the exit code it stands for; null for a bug. */
export function explained(error: unknown): { line: string; exit: Exit } | null {
  if (error instanceof UsageError) return { line: error.message, exit: error.exit };
  if (error instanceof Refused) return { line: error.message, exit: exits.no };
  if (error instanceof TrailError) {
    return { line: error.message, exit: error.code === 'bad-file' ? exits.usage : exits.machine };
  }
  // Errors of rooms that this file need not know: their classes carry a name and a message meant for people.
  if (error instanceof Error && (error.name === 'RunnerError' || error.name === 'AgentError')) {
    return { line: error.message, exit: exits.machine };
  }
  return null;
}
