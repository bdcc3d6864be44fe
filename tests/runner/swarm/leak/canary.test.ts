// A run's secrets, and the encodings that the search for them covers.

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canaryOf, secretOf } from '../../../../runner/swarm/leak/canary.ts';
import { formsOf } from '../../../../runner/swarm/leak/encodings.ts';
import { fc } from '../../../support/property.ts';

describe('a secret', () => {
  it('has the requested length, only letters and digits, and starts with a letter', () => {
    const property = fc.property(fc.integer({ min: 1, max: 200 }), (length) => {
      expect(secretOf(length, randomBytes)).toMatch(new RegExp(`^[A-Za-z][A-Za-z0-9]{${length - 1}}$`));
    });
    fc.assert(property);
    for (const length of [0, -1, 1.5, 5000]) expect(() => secretOf(length, randomBytes)).toThrow(RangeError);
  });

  it('uses each character equally often', () => {
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 30; turn += 1)
      for (const char of secretOf(4096, randomBytes).slice(1)) counts.set(char, (counts.get(char) ?? 0) + 1);
    // 30 × 4095 / 62 is 1981; a bias from the remainder of 256 / 62 would give eight characters a quarter more.
    expect(counts.size).toBe(62);
    for (const count of counts.values()) expect(Math.abs(count - 1981)).toBeLessThan(300);
  });

  it('is searched for by a piece of its middle, or not at all if it is short enough to occur by chance', () => {
    expect(canaryOf('abcdefghijklmnopqrstuvwxyz')).toBe('bcdefghijklm');
    expect(canaryOf('abcdefghi')).toBe('bcdefghi');
    expect(canaryOf('abcdefgh')).toBeNull();
  });
});

describe('the forms of a secret', () => {
  it('use at least eleven encodings, each listed once and long enough', () => {
    const property = fc.property(fc.nat(), () => {
      const forms = formsOf(canaryOf(secretOf(20, randomBytes)) as string);
      expect(new Set(forms.map(({ encoding }) => encoding)).size).toBeGreaterThanOrEqual(11);
      expect(new Set(forms.map(({ bytes }) => bytes.toString('latin1'))).size).toBe(forms.length);
      for (const { bytes } of forms) expect(bytes.length).toBeGreaterThanOrEqual(12);
    });
    fc.assert(property, { numRuns: 20 });
  });
});
