//! Time ranges, their form in the address bar and in requests, and the step of a chart.
//! Who: the range control, the strip, every query.
//! **Invariant:** seconds everywhere; the clock is an argument.

export type TimeRange = { kind: 'relative'; seconds: number } | { kind: 'absolute'; start: number; end: number };

export const DEFAULT_RANGE: TimeRange = { kind: 'relative', seconds: 300 };

export const RANGE_PRESETS_SECONDS = [300, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 1209600];

export const REFRESH_PRESETS_MS = [
  0, 15_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 86_400_000
];

export const MIN_RANGE_SECONDS = 10;

export interface Span {
  start: number;
  end: number;
}

export const spanOf = (range: TimeRange, nowSeconds: number): Span =>
  range.kind === 'relative'
    ? { start: nowSeconds - range.seconds, end: nowSeconds }
    : { start: range.start, end: range.end };

export const secondsOf = (range: TimeRange): number =>
  range.kind === 'relative' ? range.seconds : Math.max(1, range.end - range.start);

export const rangeParams = (range: TimeRange): Record<string, number> =>
  range.kind === 'relative' ? { timeRange: range.seconds } : { startTime: range.start, endTime: range.end };

/** The latest time the back end can name, in the year 2262. */
const TIME_SECONDS_MAX = 9_223_372_036;
/** 31 years: no range reaches back to before times are counted from. */
const RANGE_SECONDS_MAX = 1_000_000_000;

/** The range an address asks for; nothing where it asks for none, or for one that cannot be. */
const askedRange = (params: URLSearchParams): TimeRange | undefined => {
  const number = (key: string, max = TIME_SECONDS_MAX) => {
    const value = Number.parseInt(params.get(key) ?? '', 10);
    return value > 0 && value <= max ? value : undefined;
  };
  const seconds = number('timeRange', RANGE_SECONDS_MAX);
  if (seconds) {
    return { kind: 'relative', seconds };
  }
  const [start, end] = [number('startTime'), number('endTime')];
  return start && end && end > start ? { kind: 'absolute', start, end } : undefined;
};

export const rangeFromUrl = (params: URLSearchParams): TimeRange => askedRange(params) ?? DEFAULT_RANGE;

const RANGE_KEYS = ['timeRange', 'startTime', 'endTime'];

/** The words of an address that ask for a range that cannot be. */
export const unusableRange = (params: URLSearchParams): string[] =>
  askedRange(params) ? [] : RANGE_KEYS.filter(key => params.get(key)).map(key => `${key}=${params.get(key)}`);

/** Flows reach the store some seconds after they end: what is younger would look like a fall. */
export const SETTLE_SECONDS = 10;

/** How often the points of a moving range move on at the most; all panels ask for the same ones meanwhile. */
const MOVE_SECONDS = 15;

/** Of this age a flow may still be in no point of a chart. */
export const YOUNG_SECONDS = SETTLE_SECONDS + MOVE_SECONDS;

/** The part of a range whose flows have all arrived, of the range's own width. */
export const settledSpan = (range: TimeRange, nowSeconds: number): Span => {
  const { start, end } = spanOf(range, nowSeconds);
  const shift = range.kind === 'relative' ? SETTLE_SECONDS : 0;
  return { start: start - shift, end: end - shift };
};

/** The range moved by its own width; it never ends after now. */
export const moveRange = (range: TimeRange, direction: -1 | 1, nowSeconds: number): TimeRange => {
  if (range.kind === 'relative' && direction === 1) {
    return range;
  }
  const { start, end } = spanOf(range, nowSeconds);
  const width = end - start;
  const movedEnd = Math.min(end + direction * width, nowSeconds);
  return { kind: 'absolute', start: Math.floor(movedEnd - width), end: Math.floor(movedEnd) };
};

/** Seconds between two points of a chart over a range, as NetObserv's page chooses them. */
export const stepOf = (range: TimeRange): number => Math.floor(Math.max(30, Math.floor(secondsOf(range) / 10)) / 2);

/**
 * First and last point of a chart whose data ends at `endSeconds`. Each point stands for the time before it, so the
 * last one is there: on a fixed grid up to a whole step would be missing, of a day more than an hour.
 */
export const pointsOf = (range: TimeRange, step: number, endSeconds: number): Span => {
  const move = range.kind === 'relative' ? Math.min(step, MOVE_SECONDS) : 1;
  const end = Math.floor(endSeconds / move) * move;
  return { start: Math.max(0, end - Math.ceil(secondsOf(range) / step) * step), end };
};

/** The strip above the views is finer than the charts: about 60 bars. */
export const stripStepSeconds = (range: TimeRange): number => Math.max(1, Math.ceil(secondsOf(range) / 60));
