//! Sums by a single field from metric answers: ports of either end, protocols, interfaces, codes.
//! Who: `FieldPanels`, `DnsPanels`, `use-interfaces`. **Invariant:** pure.
import type { Whole } from '../../model/whole';

export interface FieldSum {
  value: string;
  amount: number;
}

const FIRST_EPHEMERAL_PORT = 32_768;

export const largestFirst = (sums: Map<string, number>): FieldSum[] =>
  [...sums]
    .map(([value, amount]) => ({ value, amount }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount || (a.value < b.value ? -1 : 1));

const addTo = (sums: Map<string, number>, whole: Whole | undefined, field: string, sign: 1 | -1 = 1) =>
  whole?.values.forEach(({ metric, now }) => {
    const value = metric[field] ?? '';
    if (value !== '') {
      sums.set(value, (sums.get(value) ?? 0) + sign * (now ?? 0));
    }
  });

/** The largest first. */
export const sumsOf = (whole: Whole | undefined, field: string): FieldSum[] => {
  const sums = new Map<string, number>();
  addTo(sums, whole, field);
  return largestFirst(sums);
};

/**
 * Traffic of each service port, both ways. The other end's port is chosen by its kernel at random and says nothing, so
 * that ports of that range count only where they have a name. `between` is, by source, the traffic that has a service
 * port at both ends, and counts at its destination alone.
 */
export const servicePorts = (
  source: Whole,
  target: Whole,
  between: Whole,
  hasName: (port: number) => boolean
): FieldSum[] => {
  const sums = new Map<string, number>();
  addTo(sums, source, 'SrcPort');
  addTo(sums, target, 'DstPort');
  addTo(sums, between, 'SrcPort', -1);
  return largestFirst(sums).filter(({ value }) => {
    const port = Number(value);
    return port > 0 && (port < FIRST_EPHEMERAL_PORT || hasName(port));
  });
};
