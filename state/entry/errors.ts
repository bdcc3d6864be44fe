// This room's one error class, and the refusal: a `Refused` is an answer that its reader can act on, a `TrailError` a
// broken machine or a broken trail.

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

/** An intent that the rules refuse; the message says why and what would help. Nothing was written. */
export class Refused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Refused';
  }
}
