// The one error class of this room, and the refusal: a `Refused` is an answer that its reader can act on, a `TrailError` a
// broken machine or a broken trail.

export type TrailErrorCode =
  | 'bad-entry' // framing, schema or template does not hold
  | 'bad-trail' // history that no honest writer makes
  | 'bad-hub' // not a Coldpass hub, or git says no
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

/** An intent that the rules turn down; the message says why and what would help. Nothing was written. */
export class Refused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Refused';
  }
}
