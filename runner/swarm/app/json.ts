// JSON that another program printed. Pure.

/** The parsed JSON; null if `text` is not JSON. No schema here accepts null. */
export function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
