// Tokens as billed: five kinds, because each has its own price.

export type Usage = {
  /** Input that was neither read from the cache nor written to it. */
  input: number;
  output: number;
  cacheRead: number;
  /** Written to the cache, for five minutes or for one hour. */
  cacheWrite5m: number;
  cacheWrite1h: number;
};

export const noUsage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
  };
}

/** Tokens of the whole prompt, cached or not. */
export function promptTokens(usage: Usage): number {
  return usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
}
