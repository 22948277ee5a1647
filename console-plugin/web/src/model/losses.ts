//! What is missing from the data, in numbers. Who: the strip, the summary.
//! **Invariant:** pure; records that were lost, time nobody can account for, and components that never answered are
//! three things and never mixed.
import type { Loss, Losses } from '../api/types';
import type { Span } from './time';

export interface Missing {
  /** Records, over all components and causes. */
  lost: number;
  /** By component and cause, the most first. */
  causes: Loss[];
  /** Components of which there is no reading at all. */
  neverSeen: string[];
  /** Components that have not answered yet, but may just be coming up: nothing is missing for that. */
  starting: string[];
  /** Seconds in which at least one component cannot be accounted for. */
  gapSeconds: number;
}

interface Timed {
  from: number;
  to: number;
}

const clip = <T extends Timed>(list: T[], { start, end }: Span): T[] =>
  list
    .map(each => ({ ...each, from: Math.max(each.from, start * 1000), to: Math.min(each.to, end * 1000) }))
    .filter(each => each.to > each.from);

/** The same without the parts of gaps and of losses' times that lie outside of a range. */
export const within = (losses: Losses, span: Span): Losses => ({
  ...losses,
  // A back end of before losses had times has no such list.
  intervals: clip(losses.intervals ?? [], span),
  unaccounted: clip(losses.unaccounted, span)
});

/** Of intervals that may overlap, what they cover together. */
const covered = (spans: Timed[]): number => {
  let [sum, end] = [0, -Infinity];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return sum;
};

const byRecords = (losses: Loss[]): Loss[] => losses.sort((a, b) => b.records - a.records);

export const missingOf = (losses: Losses): Missing => {
  const causes = byRecords(losses.losses.filter(loss => loss.records > 0));
  // A back end of before this was told apart has no such list.
  const silent = losses.neverSeen ?? [];
  const namesOf = (isStarting: boolean) => [
    ...new Set(silent.filter(each => Boolean(each.isStarting) === isStarting).map(each => each.component))
  ];
  return {
    lost: causes.reduce((sum, loss) => sum + loss.records, 0),
    causes,
    neverSeen: namesOf(false),
    starting: namesOf(true),
    gapSeconds: covered(losses.unaccounted) / 1000
  };
};

export const isNothingMissing = ({ lost, neverSeen, gapSeconds }: Missing): boolean =>
  lost === 0 && neverSeen.length === 0 && gapSeconds === 0;

/** What was lost and who could not be accounted for in a stretch of time, in milliseconds. */
export const missingIn = (losses: Losses | undefined, from: number, to: number): { lost: Loss[]; silent: string[] } => {
  const touches = (each: Timed) => each.from <= to && each.to >= from;
  const sums = new Map<string, Loss>();
  for (const { component, cause, records } of losses?.intervals.filter(touches) ?? []) {
    const key = JSON.stringify([component, cause]);
    sums.set(key, { component, cause, records: records + (sums.get(key)?.records ?? 0) });
  }
  const silent = losses?.unaccounted.filter(touches).map(gap => gap.component);
  return { lost: byRecords([...sums.values()]), silent: [...new Set(silent)] };
};
