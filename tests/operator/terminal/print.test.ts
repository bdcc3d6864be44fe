import { expect, test } from 'vitest';
import {
  clean,
  cleanLine,
  duration,
  type Out,
  paint,
  type ScreenClock,
  screen,
  styled,
  wantsColour,
} from '../../../operator/terminal/print.ts';

const esc = '\u001b';

test.each([
  ['colours', `a${esc}[31mb${esc}[0m`, 'ab'],
  ['a window title', `a${esc}]0;owned\u0007b`, 'ab'],
  ['a link', `${esc}]8;;http://x${esc}\\here${esc}]8;;${esc}\\`, 'here'],
  ['a lone escape', `a${esc}b`, 'ab'],
  ['one-byte CSI', 'a\u009b31mb', 'ab'],
  ['carriage returns that overwrite', 'FAIL\rPASS', 'FAIL\nPASS'],
  ['backspaces', 'FAIL\b\b\b\bPASS', 'FAILPASS'],
  ['bidi overrides', 'a\u202eb\u2066c\u200f', 'abc'],
  ['zero-width and tag characters', 'a\u200bb\ufeffc\u{e0041}d', 'abcd'],
  ['nothing from harmless text', 'Grüße, 你好\n\t- 1 → 2 ✓', 'Grüße, 你好\n\t- 1 → 2 ✓'],
])('`clean` removes %s', (_what, text, expected) => {
  expect(clean(text)).toBe(expected);
});

test('`cleanLine` makes text one line, no longer than the limit', () => {
  expect(cleanLine(' a\n b\r\nc ')).toBe('a b c');
  expect(cleanLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`);
});

test('text inserted into styled text is cleaned, but styled insertions keep their colours', () => {
  const evil = `${esc}[2J\u202ePASS`;
  const text = styled`gate ${evil}: ${paint(true).outcome('FAIL')} ${3}`.text;
  expect(text).toBe(`gate PASS: ${esc}[31mFAIL${esc}[39m 3`);
  expect(paint(true).bad(evil).text).toBe(`${esc}[31mPASS${esc}[39m`);
  expect(paint(false).bad(evil).text).toBe('PASS');
});

test.each([
  [0, '0.0 s'],
  [412, '0.4 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
  [-5, '0.0 s'],
])('%d ms reads %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('colour is used only on terminals; NO_COLOR or a dumb terminal switches it off', () => {
  const tty = { write: () => true, isTTY: true };
  expect(wantsColour(tty, { TERM: 'xterm' })).toBe(true);
  expect(wantsColour(tty, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(tty, { TERM: 'dumb' })).toBe(false);
  expect(wantsColour({ write: () => true }, {})).toBe(false);
});

test('in piped output, lines are plain and running rows are not shown', () => {
  const { out, text } = stream({});
  const page = screen({ out, colour: false, clock: clockAt(0).clock });
  page.running([{ what: 'unit', startedAtMs: 0 }]);
  page.line(`a${esc}[31mb`);
  page.line(page.paint.good('PASS'));
  page.close();
  expect(text()).toBe('ab\nPASS\n');
});

test('on a terminal, running rows are repainted in place, below the lines', () => {
  const { out, text } = stream({ isTTY: true, columns: 80 });
  const time = clockAt(1000);
  const page = screen({ out, colour: false, clock: time.clock });
  page.running([{ what: 'cold run unit', startedAtMs: 0 }]);
  expect(text()).toBe('  · cold run unit  1.0 s\n');
  time.pass(1000);
  page.line('claim M1');
  page.close();
  expect(visible(text())).toEqual(['claim M1']);
  expect(text()).toContain('  · cold run unit  2.0 s\n');
  expect(time.ticking()).toBe(false);
});

test('repainting stops when nothing runs, and starts again', () => {
  const { out, text } = stream({ isTTY: true });
  const time = clockAt(0);
  const page = screen({ out, colour: false, clock: time.clock });
  page.running([
    { what: 'a', startedAtMs: 0 },
    { what: 'b', startedAtMs: 0 },
  ]);
  page.running([]);
  expect(time.ticking()).toBe(false);
  page.running([{ what: 'c', startedAtMs: 0 }]);
  expect(time.ticking()).toBe(true);
  expect(visible(text())).toEqual(['  · c  0.0 s']);
});

test('a row that is long, has wide characters or contains escapes stays one row', () => {
  const { out, text } = stream({ isTTY: true, columns: 40 });
  const page = screen({ out, colour: false, clock: clockAt(0).clock });
  page.running([{ what: `你好${esc}[9A\n${'你'.repeat(60)}`, startedAtMs: 0 }]);
  const [row] = visible(text());
  expect([...(row ?? '')].reduce((sum, char) => sum + (char > '\u2e80' ? 2 : 1), 0)).toBeLessThanOrEqual(40);
  expect(text()).not.toContain(esc);
});

test('JSON output has the same data, but nothing that a terminal acts on', () => {
  const { out, text } = stream({});
  const value = { text: `\u009b31m\u202e\u{e0041}${esc}[2J ü` };
  screen({ out, colour: false }).json(value);
  expect(JSON.parse(text())).toEqual(value);
  for (const char of ['\u009b', '\u202e', '\u{e0041}', esc]) expect(text()).not.toContain(char);
});

function stream(facts: Omit<Out, 'write'>) {
  const parts: string[] = [];
  return { out: { ...facts, write: (part: string) => parts.push(part) }, text: () => parts.join('') };
}

function clockAt(startMs: number) {
  let nowMs = startMs;
  let tick: (() => void) | null = null;
  const clock: ScreenClock = {
    now: () => nowMs,
    every: (_ms, act) => {
      tick = act;
      return () => {
        tick = null;
      };
    },
  };
  const pass = (ms: number) => {
    nowMs += ms;
    tick?.();
  };
  return { clock, pass, ticking: () => tick !== null };
}

/** Returns what a terminal finally shows, in lines. That terminal knows one control: "n lines up, clear to the end". */
function visible(text: string): string[] {
  const lines: string[] = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is the one sequence that the screen uses
  for (const part of text.split(/(\u001b\[\d+A\u001b\[0J)/)) {
    const up = part.startsWith(esc) ? Number.parseInt(part.slice(2), 10) : null;
    if (up === null) lines.push(...part.split('\n').slice(0, -1));
    else lines.splice(lines.length - up);
  }
  return lines;
}
