//! Sums by a single field from metric answers: ports of either end, protocols, interfaces, codes.
//! Who: `FieldPanels`, `DnsPanels`. **Invariant:** pure.
import { mean } from '../../components/charts/stack';
import type { SeriesSet } from '../../model/series';

export interface FieldSum {
  value: string;
  amount: number;
}

const FIRST_EPHEMERAL_PORT = 32_768;

const largestFirst = (sums: Map<string, number>): FieldSum[] =>
  [...sums]
    .map(([value, amount]) => ({ value, amount }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount || (a.value < b.value ? -1 : 1));

const addTo = (
  sums: Map<string, number>,
  set: SeriesSet | undefined,
  field: string,
  of: (v: (number | null)[]) => number
) =>
  set?.series.forEach(series => {
    const value = series.metric[field] ?? '';
    if (value !== '') {
      sums.set(value, (sums.get(value) ?? 0) + of(series.values));
    }
  });

export const averages = (set: SeriesSet | undefined, field: string): FieldSum[] => {
  const sums = new Map<string, number>();
  addTo(sums, set, field, mean);
  return largestFirst(sums);
};

/** Counts of a step each, added up. */
export const counts = (set: SeriesSet | undefined, field: string): FieldSum[] => {
  const sums = new Map<string, number>();
  addTo(sums, set, field, values => values.reduce<number>((sum, value) => sum + (value ?? 0), 0));
  return largestFirst(sums);
};

/**
 * Traffic of each service port, both ways. The other end's port is chosen by its kernel at random and says nothing, so
 * that ports of that range count only where they have a name.
 */
export const servicePorts = (
  source: SeriesSet | undefined,
  target: SeriesSet | undefined,
  hasName: (port: number) => boolean
): FieldSum[] => {
  const sums = new Map<string, number>();
  addTo(sums, source, 'SrcPort', mean);
  addTo(sums, target, 'DstPort', mean);
  return largestFirst(sums).filter(({ value }) => {
    const port = Number(value);
    return port > 0 && (port < FIRST_EPHEMERAL_PORT || hasName(port));
  });
};
