// Prices and purses.

import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agents/model/errors.ts';
import {
  costOf,
  type Hold,
  leftIn,
  maxCostOf,
  openPurse,
  priceOf,
  reserve,
  settle,
} from '../../../agents/model/spend.ts';
import { noUsage } from '../../../agents/model/usage.ts';
import { Prices } from '../../../state/plan/config.ts';
import { fc } from '../../support/property.ts';

describe('prices', () => {
  it('reject a model that is not on the list, instead of treating it as free', () => {
    for (const model of ['gpt-9', '', 'constructor', '__proto__']) {
      expect(() => priceOf(model)).toThrow(AgentError);
    }
    expect(() => priceOf('gpt-9')).toThrow(
      /no price is known for the model "gpt-9" .* set its price in the configuration/,
    );
  });

  it("include the operator's price, which overrides the list's", () => {
    const operatorPrices = Prices.parse({ input: 2, output: 6 });
    const prices = { 'local-model': operatorPrices, 'claude-opus-5-5': operatorPrices };
    expect(costOf(priceOf('local-model', prices), { ...noUsage, input: 1e6, output: 1e6 })).toBe(8);
    expect(priceOf('claude-opus-5-5', prices)).toBe(operatorPrices);
    expect(priceOf('claude-opus-5', prices)).not.toBe(operatorPrices);
  });

  it('charge each kind of token at its own rate', () => {
    const usage = { input: 1e6, output: 1e6, cacheRead: 1e6, cacheWrite5m: 1e6, cacheWrite1h: 1e6 };
    expect(costOf(priceOf('claude-opus-5-5'), usage)).toBeCloseTo(4 + 20 + 0.2 + 5 + 8, 9);
  });

  it('charge a long prompt entirely at the long-prompt price', () => {
    const haiku = priceOf('claude-haiku-5-5');
    expect(costOf(haiku, { ...noUsage, input: 100_000 })).toBeCloseTo(0.01, 9);
    expect(costOf(haiku, { ...noUsage, input: 1, cacheRead: 100_000, output: 1e6 })).toBeCloseTo(
      (1 * 0.5 + 1e5 * 0.05) / 1e6 + 2.5,
      9,
    );
  });

  it('mark a script as no model, and charge nothing for it', () => {
    expect(priceOf('scripted').note).toMatch(/no model is called/);
    expect(maxCostOf(priceOf('scripted'), { stableTokens: 1e6, tailTokens: 1e6 }, 1e6)).toBe(0);
  });
});

describe('purses', () => {
  it('hold money in all purses or in none', () => {
    const session = openPurse('session', 5);
    const phase = openPurse('phase', 20, 19);
    expect(reserve([session, phase], 2)).toEqual({
      refused: 'the budget of this phase is too small: $2.00 needed, $1.00 of $20.00 left',
    });
    expect(session).toMatchObject({ heldUsd: 0, spentUsd: 0 });
    expect(leftIn(phase)).toBe(1);
  });

  it('settle a hold only once', () => {
    const purse = openPurse('session', 5);
    const held = reserve([purse], 2);
    if (!('hold' in held)) throw new Error('not held');
    expect(leftIn(purse)).toBe(3);
    settle(held.hold, 0.5);
    settle(held.hold, 0.5);
    expect(purse).toMatchObject({ heldUsd: 0, spentUsd: 0.5 });
  });

  it('never hold and settle more than the ceiling, in whatever order', () => {
    const step = fc.record({
      usd: fc.integer({ min: 0, max: 40 }),
      share: fc.integer({ min: 0, max: 8 }),
      settles: fc.boolean(),
    });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => staysBelow(100, steps)));
  });
});

/** Holds each step's money if possible, and settles the oldest hold if the step asks for that. */
function staysBelow(ceilingUsd: number, steps: { usd: number; share: number; settles: boolean }[]): boolean {
  const purse = openPurse('phase', ceilingUsd);
  const open: Hold[] = [];
  return steps.every(({ usd, share, settles }) => {
    const held = reserve([purse], usd);
    if ('hold' in held) open.push(held.hold);
    for (const oldest of open.splice(0, settles ? 1 : 0)) settle(oldest, (oldest.usd * share) / 8);
    return purse.spentUsd + purse.heldUsd <= ceilingUsd;
  });
}
