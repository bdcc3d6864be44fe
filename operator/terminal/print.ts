// Terminal output. Everything is cleaned on the way: a plain string loses its escapes, control and bidi characters, and
// only `Painted` text, built here from cleaned parts, carries colour. On a terminal, a block at the bottom, repainted
// in place, shows what is running and for how long; in a pipe, the same lines come out plain and there is no block.

import { stripVTControlCharacters, styleText } from 'node:util';
import stringWidth from 'string-width';
import { everyInvisible, withoutInvisible } from '../../state/entry/invisible.ts';

const repaintMs = 250;
const columnsDefault = 80;

const graphemes = new Intl.Segmenter();

/** Removes terminal escapes and control, bidi and invisible characters; keeps newlines and tabs. */
export function clean(text: string): string {
  return withoutInvisible(stripVTControlCharacters(text.replace(/\r\n?/g, '\n')));
}

/** Cleaned text on one line, at most `charsMax` characters. */
export function cleanLine(text: string, charsMax = 500): string {
  const line = clean(text).replace(/\s+/g, ' ').trim();
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}

/** Clean text that may contain our own colours. Only `Paint` and `styled` make it. */
export class Painted {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Style = 'good' | 'bad' | 'warn' | 'dim' | 'bold';
const colours = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;
export type Paint = Record<Style, (text: string) => Painted> & { outcome(word: string): Painted };

/** Painters. Without `colour` they only clean. */
export function paint(colour: boolean): Paint {
  const by = (style: Style) => (text: string) =>
    new Painted(colour ? styleText(colours[style], clean(text), { validateStream: false }) : clean(text));
  const painters = { good: by('good'), bad: by('bad'), warn: by('warn'), dim: by('dim'), bold: by('bold') };
  return { ...painters, outcome: (word) => painters[toneOf(word)](word) };
}

/** Joins words and painted parts: styled`gate ${gate} ${paint.good('PASS')}`. Cleans every inserted value. */
export function styled(parts: TemplateStringsArray, ...values: (string | number | Painted)[]): Painted {
  const texts = values.map((value) => (value instanceof Painted ? value.text : clean(String(value))));
  return new Painted(parts.map((part, at) => part + (texts[at] ?? '')).join(''));
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${two(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** What a screen needs from the stream it writes to; `process.stdout` fits. */
export type Out = { write(text: string): unknown; isTTY?: boolean; columns?: number };
/** Something running now. `startedAtMs` is on the clock passed to `screen`. */
export type Running = { what: string; startedAtMs: number };
export type ScreenClock = { now(): number; every(ms: number, tick: () => void): () => void };

export type Screen = {
  readonly paint: Paint;
  /** Prints one finished line above the block. Cleans a string. */
  line(text: string | Painted): void;
  /** Sets the rows of the block, in this order; an empty list removes the block. */
  running(rows: Running[]): void;
  /** Prints one JSON document. */
  json(value: unknown): void;
  /** Removes the block for good and stops repainting. */
  close(): void;
};

/** Whether to use colours: on a terminal, unless NO_COLOR is set or TERM is `dumb`. */
export function wantsColour(out: Out, env: { NO_COLOR?: string | undefined; TERM?: string | undefined }): boolean {
  return out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** A screen on `out`. Shows the live block if `live` is true; by default, if `out` is a terminal. */
export function screen(options: { out: Out; colour: boolean; live?: boolean; clock?: ScreenClock }): Screen {
  const { out, clock = wallClock } = options;
  const live = options.live ?? out.isTTY === true;
  const painter = paint(options.colour);
  let rows: Running[] = [];
  let shown = 0;
  let stop: (() => void) | null = null;

  const block = () =>
    rows.map((row) => `${liveRow(row, clock.now(), out.columns ?? columnsDefault, painter)}\n`).join('');
  const write = (text: string) => {
    const wipe = shown > 0 ? `\u001b[${shown}A\u001b[0J` : '';
    shown = live ? rows.length : 0;
    const whole = wipe + text + (live ? block() : '');
    if (whole !== '') out.write(whole);
  };
  const halt = () => {
    stop?.();
    stop = null;
  };

  return {
    paint: painter,
    line: (text) => write(`${text instanceof Painted ? text.text : clean(text)}\n`),
    running: (next) => {
      rows = next;
      if (!live) return;
      write('');
      if (rows.length === 0) halt();
      else stop ??= clock.every(repaintMs, () => write(''));
    },
    json: (value) => write(`${safeJson(value)}\n`),
    close: () => {
      rows = [];
      write('');
      halt();
    },
  };
}

// `value` as JSON. Whatever a terminal might act on is written as \u escapes.
function safeJson(value: unknown): string {
  const escaped = (char: string) =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  return JSON.stringify(value, null, 2).replace(everyInvisible, escaped);
}

const wallClock: ScreenClock = {
  now: () => Date.now(),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    // A screen left open must not keep the process alive.
    timer.unref();
    return () => clearInterval(timer);
  },
};

// Each row must fit on one terminal line, or wiping the block would leave part of it behind.
function liveRow(row: Running, nowMs: number, columns: number, painter: Paint): string {
  const age = duration(nowMs - row.startedAtMs);
  const what = cut(cleanLine(row.what), Math.max(4, columns - age.length - 6));
  return styled`  ${painter.dim('·')} ${what}  ${painter.dim(age)}`.text;
}

function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns - 1) return text;
  let head = '';
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(head + segment) > columns - 1) return `${head}…`;
    head += segment;
  }
  return head;
}

const tones: Record<string, Style> = {
  PASS: 'good',
  BITES: 'good',
  KEPT: 'good',
  DONE: 'good',
  green: 'good',
  ok: 'good',
  pass: 'good',
  FAIL: 'bad',
  VACUOUS: 'bad',
  BROKEN: 'bad',
  TIMEOUT: 'bad',
  LEAK: 'bad',
  NO_TESTS: 'bad',
  red: 'bad',
  fail: 'bad',
  REFUSED: 'warn',
  INFRA: 'warn',
  CANCELLED: 'warn',
  LOST: 'warn',
  INCONCLUSIVE: 'warn',
  UNVERIFIED: 'warn',
  held: 'warn',
  parked: 'warn',
  warn: 'warn',
  skip: 'warn',
};

function toneOf(word: string): Style {
  return tones[word] ?? 'bold';
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
