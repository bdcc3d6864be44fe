// Turns a refusal or a timeout of the engine into an error of this machine: one line, with the cause.

import { RunnerError } from '../../box/errors.ts';

const messageCharsMax = 300;

export function engineFault(what: string, error: unknown): RunnerError {
  if (error instanceof RunnerError) return error;
  const message = (error instanceof Error ? error.message : String(error))
    .replace(/\s+/g, ' ')
    .slice(0, messageCharsMax);
  return new RunnerError('engine', `the engine could not ${what}: ${message}`, { cause: error });
}
