// Reads timestamps as people write them by hand: `@2026-01-31T05:0xZ`, `@2026-01-30`, `@05:45Z`. Each becomes a span
// from the earliest to the latest moment that it can mean. A time without a date takes the last date above it, and is
// marked `assumed`.

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export type Precision = 'second' | 'minute' | 'ten minutes' | 'hour' | 'day';
export type TimeSpan = {
  /** The timestamp as written, with a date added if it had none: `2026-01-31T05:0xZ`. */
  at: string;
  precision: Precision;
  /** True if the date was taken from above. */
  assumed: boolean;
  /** `fromMs` and `untilMs` are for comparing, not for the report. `untilMs` is the first moment after the span. */
  fromMs: number;
  untilMs: number;
};
/** A timestamp and its position in the text. */
export type StampAt = TimeSpan & { index: number };

const stamp =
  /(?<![\d-])(\d{4}-\d{2}-\d{2})(?:[T ]~?(\d{2}):(\d[\dx]|x{2})(?::(\d{2}))?Z?)?(?![\d-])|@~?(\d{2}):(\d[\dx]|x{2})(?::(\d{2}))?Z?/g;

/**
 * All timestamps in a text, in order. `above` is the last one before the text. Newer times are above older ones, so a
 * time without a date that would be after the one above it is from the day before.
 */
export function stampsIn(text: string, above: TimeSpan | null): StampAt[] {
  let last = above;
  return [...text.matchAll(stamp)].flatMap((match) => {
    const [, day, hour, minute, second, bareHour, bareMinute, bareSecond] = match;
    const read = day ? stampOf(day, hour, minute, second, false) : bareStamp(last, bareHour, bareMinute, bareSecond);
    if (!read) return [];
    last = read;
    return [{ ...read, index: match.index }];
  });
}

function bareStamp(above: TimeSpan | null, hour?: string, minute?: string, second?: string): TimeSpan | null {
  if (!above) return null;
  const same = stampOf(dateOf(above), hour, minute, second, true);
  if (!same || isBefore(same, above) || overlap(same, above)) return same;
  return stampOf(new Date(above.fromMs - dayMs).toISOString().slice(0, 10), hour, minute, second, true);
}

/** True if `one` is over before `other` can have begun. */
export function isBefore(one: TimeSpan, other: TimeSpan): boolean {
  return one.untilMs <= other.fromMs;
}

export function overlap(one: TimeSpan, other: TimeSpan): boolean {
  return !isBefore(one, other) && !isBefore(other, one);
}

/** The longest possible time from `one` to `other`, in ms. */
export function gapMs(one: TimeSpan, other: TimeSpan): number {
  return other.untilMs - one.fromMs;
}

export function dateOf(stamp: TimeSpan): string {
  return stamp.at.slice(0, 10);
}

function stampOf(
  day: string,
  hour: string | undefined,
  minute: string | undefined,
  second: string | undefined,
  assumed: boolean,
): TimeSpan | null {
  const startMs = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(startMs)) return null;
  if (hour === undefined || minute === undefined)
    return { at: day, precision: 'day', assumed, fromMs: startMs, untilMs: startMs + dayMs };
  const at = `${day}T${hour}:${minute}${second === undefined ? '' : `:${second}`}Z`;
  const [precision, widthMs] = widthOf(minute, second);
  const fromMs = Date.parse(`${day}T${hour}:${minute.replaceAll('x', '0')}:${second ?? '00'}Z`);
  return Number.isNaN(fromMs) ? null : { at, precision, assumed, fromMs, untilMs: fromMs + widthMs };
}

function widthOf(minute: string, second: string | undefined): [Precision, number] {
  if (second !== undefined) return ['second', 1000];
  if (minute === 'xx') return ['hour', 60 * minuteMs];
  return minute.endsWith('x') ? ['ten minutes', 10 * minuteMs] : ['minute', minuteMs];
}
