// JSON as another program said it. Pure.

/** Null where it is none, which no schema of ours takes. */
export function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
