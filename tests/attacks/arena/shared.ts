// Shares what is costly to make among the cases of a family: makes it on first use, in the family's folder, and closes
// it after the last case. A case leaves a shared thing as it was, or changes only what does not affect other cases.

type Made = { value: Promise<unknown>; close(): Promise<unknown> };

const made = new Map<string, Made>();

export function shared<T>(
  dir: string,
  name: string,
  make: (at: string) => Promise<T>,
  close: (value: T) => Promise<unknown> = () => Promise.resolve(),
): Promise<T> {
  const at = `${dir}/${name}`;
  const known = made.get(at);
  if (known) return known.value as Promise<T>;
  const value = make(at);
  made.set(at, { value, close: () => value.then(close) });
  return value;
}

export async function letGo(dir: string): Promise<void> {
  for (const [at, { close }] of made) {
    if (!at.startsWith(`${dir}/`)) continue;
    made.delete(at);
    await close();
  }
}
