// This room's one error class, and the refusal. A `Refused` is an answer that its reader can act on; a `TrailError`
// reports a fault of the machine, the trail or a file.

export type TrailErrorCode =
  | 'bad-entry' // framing, schema or template is wrong
  | 'bad-trail' // history that no honest writer creates
  | 'bad-hub' // not a Coldpass hub, or git failed
  | 'bad-key'
  | 'bad-file' // a file that people write: plan, coldpass.yml, recipe, act
  | 'io'; // disk, permissions

export class TrailError extends Error {
  readonly code: TrailErrorCode;

  constructor(code: TrailErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TrailError';
    this.code = code;
  }
}

/** The rules refuse an intent; the message says why and what would help. Nothing was written. */
export class Refused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Refused';
  }
}
