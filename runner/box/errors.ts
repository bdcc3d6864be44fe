// The one error class of this room: something that should work on any sound machine did not. What a command did, however
// badly, is a value; what a caller asked for wrongly is `bad-request`, and a file call that is turned down is an answer.

export type RunnerErrorCode =
  | 'no-sandbox' // bubblewrap is missing, or an escape was not held
  | 'bad-request' // a mount, host or path that no box may have
  | 'box' // the box itself broke: the file service died, lied or hung
  | 'engine' // an engine could not do what every engine must
  | 'no-container' // a service of an app has no running container just now
  | 'volume' // what an app left in its volumes can't be backed up, restored or read as it is: the app's doing
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
