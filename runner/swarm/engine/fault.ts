// What the engine's refusals and silences become: an error of this machine, in one line, with its cause.

import { RunnerError } from '../../box/errors.ts';

const saidMax = 300;

export function engineFault(what: string, error: unknown): RunnerError {
  if (error instanceof RunnerError) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new RunnerError('engine', `the engine could not ${what}: ${said.replace(/\s+/g, ' ').slice(0, saidMax)}`, {
    cause: error,
  });
}
