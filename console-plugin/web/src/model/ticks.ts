//! Round times on an axis and their labels, of the browser's time zone. Who: the strip, charts.
//! **Invariant:** steps of a day and more are those of the calendar, shorter ones those of the clock, also where it is
//! changed; there are never more ticks than were asked for but for a month's or a year's own unevenness.
import { formatDate, formatDay, formatHour, formatMonth, formatTimeOfDay, formatYear } from './format';
import type { Span } from './time';

export interface Tick {
  /** Seconds. */
  time: number;
  label: string;
}

type Unit = 'second' | 'day' | 'month' | 'year';

export interface Step {
  unit: Unit;
  size: number;
  /** At least, so that ticks never stand closer. */
  seconds: number;
}

const HOUR = 3600;
const DAY = 86_400;

const steps = (unit: Unit, seconds: number, sizes: number[]): Step[] =>
  sizes.map(size => ({ unit, size, seconds: seconds * size }));

const STEPS: Step[] = [
  ...steps('second', 1, [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800]),
  ...steps(
    'second',
    1,
    [1, 2, 3, 6, 12].map(hours => hours * HOUR)
  ),
  ...steps('day', DAY, [1, 2, 7, 14]),
  ...steps('month', 28 * DAY, [1]),
  ...steps('month', 30 * DAY, [3, 6]),
  ...steps('year', 365 * DAY, [1, 2, 5, 10, 20, 50, 100])
];

/** Time zones differ from UTC by multiples of this, in our days. */
const ZONE_STEP = 900;
/** Days since 1970 of a Monday, from which weeks are counted. */
const A_MONDAY = 4;

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Seconds of the clock on the wall since midnight. */
const clockOf = (time: number): number => {
  const date = new Date(time * 1000);
  return date.getHours() * HOUR + date.getMinutes() * 60 + date.getSeconds();
};

const clockTimes = ({ start, end }: Span, size: number): number[] => {
  const base = size <= 60 ? size : size <= ZONE_STEP ? 60 : ZONE_STEP;
  const times: number[] = [];
  for (let time = Math.ceil(start / base) * base; time <= end; time += base) {
    // Where the clock is set back, an hour comes twice.
    const isTwice = size > ZONE_STEP && time - (times.at(-1) ?? -Infinity) <= size / 2;
    if (clockOf(time) % size === 0 && !isTwice) {
      times.push(time);
    }
  }
  return times;
};

/** Midnights of days, first days of months and of years, from the one before the span on. */
const calendarTimes = ({ start, end }: Span, { unit, size }: Step): number[] => {
  const first = new Date(start * 1000);
  const [year, month, day] = [first.getFullYear(), first.getMonth(), first.getDate()];
  const at = (index: number): Date => {
    switch (unit) {
      case 'year':
        return new Date((Math.floor(year / size) + index) * size, 0);
      case 'month':
        return new Date(year, (Math.floor(month / size) + index) * size);
      default:
        return new Date(year, month, day + index);
    }
  };
  // Counted from a fixed day, so that the ticks stay where they are when the range moves on.
  const isRound = (date: Date): boolean =>
    unit !== 'day' ||
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 1000 / DAY - A_MONDAY) % size === 0;
  const times: number[] = [];
  for (let index = 0; secondsOf(at(index)) <= end; index += 1) {
    const date = at(index);
    if (isRound(date) && secondsOf(date) >= start) {
      times.push(secondsOf(date));
    }
  }
  return times;
};

/** As short as tells the ticks apart; what changes from one to the next is said where it changes. */
const labelOf = ({ unit, size }: Step, time: number, before: number | undefined): string => {
  const ms = time * 1000;
  const isNewYear = before !== undefined && new Date(before * 1000).getFullYear() !== new Date(ms).getFullYear();
  switch (unit) {
    case 'year':
      return formatYear(ms);
    case 'month':
      return isNewYear || before === undefined ? formatMonth(ms) : formatMonth(ms, false);
    case 'day':
      return isNewYear ? formatDate(ms) : formatDay(ms);
    default:
      return clockOf(time) === 0 && size >= 60 ? formatDay(ms) : size < 60 ? formatTimeOfDay(ms) : formatHour(ms);
  }
};

/** Round times within a span, at most about as many as have `room` on `width`. */
export const ticksOf = (span: Span, width: number, room: (step: Step) => number): Tick[] => {
  const step = STEPS.find(each => ((span.end - span.start) / each.seconds) * room(each) <= width) ?? STEPS.at(-1)!;
  const times = step.unit === 'second' ? clockTimes(span, step.size) : calendarTimes(span, step);
  return times.map((time, index) => ({ time, label: labelOf(step, time, times[index - 1]) }));
};

/** Pixels for a label of 11 pixels' height with what keeps it from the next, in languages with long ones too. */
const LABEL_WIDTHS: Record<Unit, number> = { second: 92, day: 96, month: 88, year: 64 };
const CLOCK_WIDTH = 72;

const roomOf = ({ unit, size }: Step): number => (unit === 'second' && size >= 60 ? CLOCK_WIDTH : LABEL_WIDTHS[unit]);

/** The ticks that fit on so many pixels, without labels that touch each other. */
export const ticksWithin = (span: Span, width: number): Tick[] => ticksOf(span, width, roomOf);
