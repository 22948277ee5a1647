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

export const rangeFromUrl = (params: URLSearchParams): TimeRange => {
  const number = (key: string) => {
    const value = Number.parseInt(params.get(key) ?? '', 10);
    return Number.isFinite(value) && value > 0 ? value : undefined;
  };
  const [seconds, start, end] = [number('timeRange'), number('startTime'), number('endTime')];
  if (seconds) {
    return { kind: 'relative', seconds };
  }
  return start && end && end > start ? { kind: 'absolute', start, end } : DEFAULT_RANGE;
};

/** Flows reach the store some seconds after they end: what is younger would look like a fall. */
export const SETTLE_SECONDS = 10;

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

/** Step and interval of a chart over a range, as NetObserv's page chooses them. */
export const stepOf = (range: TimeRange): { rateInterval: number; step: number } => {
  const rateInterval = Math.max(30, Math.floor(secondsOf(range) / 10));
  return { rateInterval, step: Math.floor(rateInterval / 2) };
};

const TICK_STEPS_SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800
];

/** Round times within a span, at most so many; `offset` is that of the time zone from UTC. */
export const ticksOf = ({ start, end }: Span, count: number, offset: number): number[] => {
  const step = TICK_STEPS_SECONDS.find(each => (end - start) / each <= count) ?? end - start;
  const first = Math.ceil((start + offset) / step) * step - offset;
  return Array.from({ length: Math.max(0, Math.floor((end - first) / step) + 1) }, (_, index) => first + index * step);
};

/** The strip above the views is finer than the charts: about 60 bars. */
export const stripStepSeconds = (range: TimeRange): number => Math.max(1, Math.ceil(secondsOf(range) / 60));
