// JSON that another program printed. Pure.

/** Null if it is not JSON; no schema here accepts null. */
export function jsonIn(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}
