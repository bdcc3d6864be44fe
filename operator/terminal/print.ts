// What a person sees in a terminal. Nothing reaches it unclean: a plain string loses its escapes, control and bidi characters
// on the way, and only `Painted` text, made here from cleaned parts, carries colour. On a terminal a block at the bottom
// shows what runs and for how long, repainted in place; piped, the same lines come plain and the block stays away.

import { stripVTControlCharacters, styleText } from 'node:util';

const repaintMs = 250;
const columnsDefault = 80;

/** C0 but tab and newline, DEL, C1, bidi controls and marks, zero-width characters, tags, odd line separators. */
const unwanted =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it removes
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Text with terminal escapes, control, bidi and invisible characters taken out; newlines and tabs stay. */
export function clean(text: string): string {
  return stripVTControlCharacters(text.replace(/\r\n?/g, '\n')).replace(unwanted, '');
}

/** The same on one line, at most `charsMax` characters. */
export function cleanLine(text: string, charsMax = 500): string {
  const line = clean(text).replace(/\s+/g, ' ').trim();
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}

/** Text that is clean and may hold our own colours. Made by `Paint` and `styled` alone. */
export class Painted {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Style = 'good' | 'bad' | 'warn' | 'dim' | 'bold';
const colours = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;
export type Paint = Record<Style, (text: string) => Painted> & { outcome(word: string): Painted };

/** Painters; without `colour` they only clean. */
export function paint(colour: boolean): Paint {
  const by = (style: Style) => (text: string) =>
    new Painted(colour ? styleText(colours[style], clean(text), { validateStream: false }) : clean(text));
  const painters = { good: by('good'), bad: by('bad'), warn: by('warn'), dim: by('dim'), bold: by('bold') };
  return { ...painters, outcome: (word) => painters[toneOf(word)](word) };
}

/** Joins words and painted parts: styled`gate ${gate} ${paint.good('PASS')}`. Whatever is put in is cleaned. */
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

/** What a screen needs of the stream it writes to; `process.stdout` has it. */
export type Out = { write(text: string): unknown; isTTY?: boolean; columns?: number };
/** Something that runs now. `startedAtMs` is on the clock given to `screen`. */
export type Running = { what: string; startedAtMs: number };
export type ScreenClock = { now(): number; every(ms: number, tick: () => void): () => void };

export type Screen = {
  readonly paint: Paint;
  /** One finished line, above what runs. A string is cleaned. */
  line(text: string | Painted): void;
  /** What runs from now on, in this order; empty takes the block away. */
  running(rows: Running[]): void;
  /** One JSON document, and nothing else on the line. */
  json(value: unknown): void;
  /** Takes the block away for good and stops repainting. */
  close(): void;
};

/** Colours: on a terminal, unless NO_COLOR is set or TERM is `dumb`. The environment is passed in. */
export function wantsColour(out: Out, env: { NO_COLOR?: string | undefined; TERM?: string | undefined }): boolean {
  return out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** A screen on `out`. The live block is shown where `live` is true; by default on a terminal. */
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

// The same data, with what a terminal might act on written as \u escapes.
function safeJson(value: unknown): string {
  const escaped = (char: string) =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  return JSON.stringify(value, null, 2).replace(unwanted, escaped);
}

const wallClock: ScreenClock = {
  now: () => Date.now(),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms);
    // A screen that nobody closed must not keep the process alive.
    timer.unref();
    return () => clearInterval(timer);
  },
};

// One row must stay one row of the terminal, or wiping the block would leave a piece of it.
function liveRow(row: Running, nowMs: number, columns: number, painter: Paint): string {
  const age = duration(nowMs - row.startedAtMs);
  const what = cut(cleanLine(row.what), Math.max(4, columns - age.length - 6));
  return styled`  ${painter.dim('·')} ${what}  ${painter.dim(age)}`.text;
}

function cut(text: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const char of text) {
    width += columnsOf(char);
    if (width > columns - 1) return `${kept}…`;
    kept += char;
  }
  return kept;
}

function columnsOf(char: string): number {
  if (/\p{M}/u.test(char)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
    char,
  )
    ? 2
    : 1;
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
