// Money: list prices with their date, the most a call can cost, what it did cost, and purses with a ceiling. Money is
// reserved before a call and settled after it; no call is made without a reservation or for a model without a price.

import { AgentError } from './errors.ts';
import { promptTokens, type Usage } from './usage.ts';

/** USD per million tokens. */
export type Rates = { input: number; output: number; cacheWrite5m: number; cacheWrite1h: number; cacheRead: number };
export type Price = Rates & {
  /** Rates for the whole request if its prompt is longer than `above` tokens. */
  long?: { above: number; rates: Rates };
  /** Shown beside costs, if the price needs an explanation. */
  note?: string;
};

/** When the table below was last compared with the published list. */
export const pricesAsOf = '2026-11-10';

/** Prices of writing to the cache, for five minutes and for an hour, as multiples of every model's input price. */
const writeShare = 1.25;
const hourShare = 2;

const free: Rates = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
const opus5 = rates(5, 25, 0.5);
const haiku4 = rates(1, 5, 0.1);

const listPrices: Readonly<Record<string, Price>> = {
  'claude-fable-5-2': rates(8, 40, 0.2),
  'claude-fable-5-1': rates(10, 50, 0.25),
  'claude-fable-5': rates(10, 50, 1),
  'claude-opus-5-5': rates(4, 20, 0.2),
  'claude-opus-5': opus5,
  'claude-opus-4-8': opus5,
  'claude-opus-4-7': opus5,
  'claude-opus-4-6': opus5,
  'claude-opus-4-5': opus5,
  'claude-sonnet-5-5': rates(2, 10, 0.1),
  'claude-sonnet-5': rates(2, 10, 0.2),
  'claude-sonnet-4-6': rates(3, 15, 0.3),
  'claude-haiku-5-5': { ...rates(0.1, 0.5, 0.01), long: { above: 100_000, rates: rates(0.5, 2.5, 0.05) } },
  'claude-haiku-4-5': haiku4,
  'claude-haiku-4-5-20251001': haiku4,
  scripted: { ...free, note: 'a script plays this agent: no model is called and nothing is charged' },
};

/**
 * The price of `model`: the one in `configured` (by model name) if there is one, else the list price. Throws
 * `AgentError` (price) for any other model: a call of unknown cost cannot be kept within a budget.
 */
export function priceOf(model: string, configured: Readonly<Record<string, Price>> = {}): Price {
  const list = [configured, listPrices].find((prices) => Object.hasOwn(prices, model));
  const price = list?.[model];
  if (price) return price;
  throw new AgentError(
    'price',
    `no price is known for the model "${model}" (list of ${pricesAsOf}), so its cost cannot be kept within a budget; ` +
      'set its price in the configuration, or choose another model',
  );
}

/** What one request cost, in USD. */
export function costOf(price: Price, usage: Usage): number {
  const at = price.long !== undefined && promptTokens(usage) > price.long.above ? price.long.rates : price;
  const perMillion =
    usage.input * at.input +
    usage.output * at.output +
    usage.cacheRead * at.cacheRead +
    usage.cacheWrite5m * at.cacheWrite5m +
    usage.cacheWrite1h * at.cacheWrite1h;
  return perMillion / 1e6;
}

/**
 * The most that one request can cost: its cost if the whole prompt is written to the cache and the answer has full
 * length.
 */
export function maxCostOf(
  price: Price,
  prompt: { stableTokens: number; tailTokens: number },
  maxTokens: number,
): number {
  return costOf(price, {
    input: 0,
    output: maxTokens,
    cacheRead: 0,
    cacheWrite5m: prompt.tailTokens,
    cacheWrite1h: prompt.stableTokens,
  });
}

/** Money with a ceiling. Changed only by `reserve` and `settle`. */
export type Purse = { readonly name: string; readonly ceilingUsd: number; spentUsd: number; heldUsd: number };
/** Money put aside in one or more purses until it is settled. */
export type Hold = { readonly purses: readonly Purse[]; readonly usd: number; open: boolean };

/** Opens a purse such as `call`, `session` or `phase`. */
export function openPurse(name: string, ceilingUsd: number, spentUsd = 0): Purse {
  return { name, ceilingUsd, spentUsd, heldUsd: 0 };
}

/** USD neither spent nor held; never below 0. */
export function leftIn(purse: Purse): number {
  return Math.max(0, purse.ceilingUsd - purse.spentUsd - purse.heldUsd);
}

/** Puts `usd` aside in all of `purses`, or in none: `refused` then says which one has too little. */
export function reserve(purses: readonly Purse[], usd: number): { hold: Hold } | { refused: string } {
  const short = purses.find((purse) => purse.spentUsd + purse.heldUsd + usd > purse.ceilingUsd);
  if (short !== undefined) {
    const figures = `${dollars(usd)} needed, ${dollars(leftIn(short))} of ${dollars(short.ceilingUsd)} left`;
    return { refused: `the budget of this ${short.name} is too small: ${figures}` };
  }
  for (const purse of purses) purse.heldUsd += usd;
  return { hold: { purses, usd, open: true } };
}

/** Replaces a hold with what was really spent, which may be more than was held. Settling again changes nothing. */
export function settle(hold: Hold, usd: number): void {
  if (!hold.open) return;
  hold.open = false;
  for (const purse of hold.purses) {
    purse.heldUsd = Math.max(0, purse.heldUsd - hold.usd);
    purse.spentUsd += usd;
  }
}

function rates(input: number, output: number, cacheRead: number): Rates {
  return { input, output, cacheWrite5m: input * writeShare, cacheWrite1h: input * hourShare, cacheRead };
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}
