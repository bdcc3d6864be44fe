// The parts into which a diff is cut: nothing is lost or served twice, and no part is too long.

import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../state/entry/digest.ts';
import { diffParts } from '../../../state/work/parts.ts';
import { fc } from '../../support/property.ts';

const file = (path: string, ...hunks: string[]) =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n${hunks.join('')}`;
const hunk = (lines: string[]) => `@@ -1 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join('')}`;

describe('a diff in parts', () => {
  it('is one part if it fits, and none if it is empty', () => {
    const text = file('a.js', hunk(['one']), hunk(['two']));
    expect(diffParts(text)).toEqual({ digest: digestOf(text), parts: [{ text, within: null }] });
    expect(diffParts('').parts).toEqual([]);
  });

  it('is cut before a hunk, and the next part names the file it continues', () => {
    const [first, second] = [hunk(['x'.repeat(80)]), hunk(['y'.repeat(80)])];
    const text = file('a.js', first, second);
    const { parts } = diffParts(text, text.length - 10);
    expect(parts).toEqual([
      { text: file('a.js', first), within: null },
      { text: second, within: 'diff --git a/a.js b/a.js' },
    ]);
  });

  it('is never cut because of what a line of a hunk contains', () => {
    const text = file('a.js', hunk(['x'.repeat(40), 'diff --git a/b.js b/b.js', '@@ -1 +1 @@', 'y'.repeat(40)]));
    const { parts } = diffParts(text, 100);
    expect(parts.map(({ text: part }) => part).join('')).toBe(text);
    expect(parts.slice(1).map(({ within }) => within)).toEqual(parts.slice(1).map(() => 'diff --git a/a.js b/a.js'));
  });

  it('is cut between lines in a long hunk, and between characters in a line of a megabyte', () => {
    const text = file('a.js', hunk(Array(50).fill('line')), hunk(['é€😀'.repeat(120_000)]));
    const { parts } = diffParts(text, 1000);
    expect(parts.length).toBeGreaterThan(1000);
    expect(Math.max(...parts.map((part) => Buffer.byteLength(part.text)))).toBeLessThanOrEqual(1000);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(parts.every((part) => part.text.isWellFormed())).toBe(true);
  });

  it('contains every byte of every hunk exactly once, in parts of limited length', () => {
    const line = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom('diff --git a/x b/x', '@@ -1 +1 @@', '', '\r'),
      fc.string({ minLength: 100, maxLength: 400 }),
    );
    const lines = fc.array(
      line.map((text) => text.replaceAll('\n', ' ')),
      { maxLength: 12 },
    );
    const files = fc.array(fc.array(lines, { maxLength: 4 }), { maxLength: 5 });
    const property = fc.property(files, fc.integer({ min: 16, max: 400 }), fc.boolean(), (made, bytesMax, isOpen) => {
      const whole = made.map((hunks, i) => file(`f${i}.js`, ...hunks.map(hunk))).join('');
      const text = isOpen ? whole.trimEnd() : whole;
      const { parts, digest } = diffParts(text, bytesMax);
      expect(parts.map((part) => part.text).join('')).toBe(text);
      expect(digest).toBe(digestOf(text));
      for (const part of parts) {
        expect(Buffer.byteLength(part.text)).toBeLessThanOrEqual(bytesMax);
        expect(part.text).not.toBe('');
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('keeps a hunk whole if it fits into one part', () => {
    const property = fc.property(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const hunks = sizes.map((size, i) => hunk(Array(size).fill(`line of hunk ${i}`)));
      const { parts } = diffParts(file('a.js', ...hunks), 400);
      for (const one of hunks) expect(parts.filter((part) => part.text.includes(one))).toHaveLength(1);
    });
    fc.assert(property);
  });
});
