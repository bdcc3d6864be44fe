// The only error class of this room: thrown when something fails that should work on any sound machine, and, as
// `bad-request`, for a caller's mistake. A command that fails, however badly, is a value; a refused file call is an
// answer.

export type RunnerErrorCode =
  | 'no-sandbox' // bubblewrap is missing, or an escape succeeded
  | 'bad-request' // the caller asked for a mount, host or path that no box may have
  | 'box' // the box itself broke: the file service died, lied or hung
  | 'engine' // an engine could not do what every engine must
  | 'no-container' // an app's service has no running container right now
  | 'volume' // an app's volume cannot be backed up, restored or read as the app left it: the app's fault
  | 'bad-record' // a record that no honest run writes
  | 'io'; // disk, permissions

export class RunnerError extends Error {
  readonly code: RunnerErrorCode;

  constructor(code: RunnerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RunnerError';
    this.code = code;
  }
}
