// What the cases of a family share because it is costly to make: made on first use, in the family's folder, and closed
// after the last case. Cases leave a shared thing as it was, or change only what does not affect the others.

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
