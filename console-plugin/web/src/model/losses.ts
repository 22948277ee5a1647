//! What is missing from the data, in numbers. Who: the strip, the summary.
//! **Invariant:** pure; what was lost, time nobody can account for, and components that never answered are three things
//! and never mixed, nor are records, packets and pushes that were lost.
import type { Loss, Losses, Unit } from '../api/types';
import type { Span } from './time';

export type Amount = Pick<Loss, 'amount' | 'unit'>;

export interface Missing {
  /** By unit, over all components and causes; no zeros. */
  lost: Amount[];
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

/** A stretch of time, and who could not be accounted for in it. */
export interface Gap extends Timed {
  components: string[];
}

/** Times nobody can account for, the newest first; those of several components that overlap are one. */
export const gapsOf = (losses: Losses): Gap[] => {
  const gaps: Gap[] = [];
  for (const { component, from, to } of [...losses.unaccounted].sort((a, b) => a.from - b.from)) {
    const last = gaps.at(-1);
    if (last && from <= last.to) {
      last.to = Math.max(last.to, to);
      last.components = [...new Set([...last.components, component])];
    } else {
      gaps.push({ from, to, components: [component] });
    }
  }
  return gaps.reverse();
};

const byAmount = (losses: Loss[]): Loss[] => losses.sort((a, b) => b.amount - a.amount);

const UNITS: Unit[] = ['packets', 'records', 'pushes'];

const sumsOf = (losses: Loss[]): Amount[] =>
  UNITS.map(unit => ({
    amount: losses.filter(loss => loss.unit === unit).reduce((sum, { amount }) => sum + amount, 0),
    unit
  })).filter(({ amount }) => amount > 0);

export const missingOf = (losses: Losses): Missing => {
  const causes = byAmount(losses.losses.filter(loss => loss.amount > 0));
  // A back end of before this was told apart has no such list.
  const silent = losses.neverSeen ?? [];
  const namesOf = (isStarting: boolean) => [
    ...new Set(silent.filter(each => Boolean(each.isStarting) === isStarting).map(each => each.component))
  ];
  return {
    lost: sumsOf(causes),
    causes,
    neverSeen: namesOf(false),
    starting: namesOf(true),
    gapSeconds: gapsOf(losses).reduce((sum, { from, to }) => sum + to - from, 0) / 1000
  };
};

export const isNothingMissing = ({ lost, neverSeen, gapSeconds }: Missing): boolean =>
  lost.length === 0 && neverSeen.length === 0 && gapSeconds === 0;

/** What was lost and who could not be accounted for in a stretch of time, in milliseconds. */
export const missingIn = (losses: Losses | undefined, from: number, to: number): { lost: Loss[]; silent: string[] } => {
  const touches = (each: Timed) => each.from <= to && each.to >= from;
  const sums = new Map<string, Loss>();
  for (const { component, cause, amount, unit } of losses?.intervals.filter(touches) ?? []) {
    const key = JSON.stringify([component, cause, unit]);
    sums.set(key, { component, cause, amount: amount + (sums.get(key)?.amount ?? 0), unit });
  }
  const silent = losses?.unaccounted.filter(touches).map(gap => gap.component);
  return { lost: byAmount([...sums.values()]), silent: [...new Set(silent)] };
};
