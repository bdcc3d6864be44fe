// Backup and restore of a postbox. Not written yet: both do nothing, and say so.

/** Writes everything in the postbox `dir` to the file `archive`; resolves to what it kept, { mailboxes, messages }. */
export async function backup(_dir, _archive) {
  return { mailboxes: 0, messages: 0 };
}

/** Makes the postbox `dir` what it was when `archive` was written; resolves to what it brought back, as above. */
export async function restore(_dir, _archive) {
  return { mailboxes: 0, messages: 0 };
}
