//! Traffic at each interface that flows passed. Who: `FieldPanels`.
//! **Invariant:** a flow counts at every one of its interfaces, as the filter finds it: each figure is the answer to the
//! very question that a click on its name asks, so that both agree; the figures of several interfaces do not add up.
import { getFieldValues } from '../../api/flows';
import { keyOf, type MetricSpec } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useRangeQuery } from '../../hooks/use-range-query';
import { loadWhole } from '../../hooks/use-whole';
import { valueFilters } from '../../model/peer-filters';
import { rangeParams, settledSpan } from '../../model/time';
import { totalOf } from '../../model/whole';
import { largestFirst, type FieldSum } from './fields';

const FIELD = 'Interfaces';
/** Interfaces that are looked at, those with the most flows: each is a question of its own. */
export const INTERFACES_ASKED = 12;

export interface Interfaces {
  sums: FieldSum[];
  /** There are more interfaces than were looked at. */
  isCut: boolean;
  spec: Omit<MetricSpec, 'by'>;
}

export const useInterfaces = (spec: Omit<MetricSpec, 'by'> | undefined): QueryState<Interfaces> => {
  const page = usePage();
  const key = spec && keyOf(page, { ...spec, by: FIELD });
  return useRangeQuery(key, async (range, signal) => {
    const asked = spec!;
    const span = rangeParams({ kind: 'absolute', ...settledSpan(range, page.now()) });
    const found = await getFieldValues(FIELD, '', { ...page.query, range: span, limit: INTERFACES_ASKED }, signal);
    const amounts = await Promise.all(
      found.values.map(async ({ value }): Promise<[string, number]> => {
        const extra = valueFilters(page, FIELD, value);
        const whole = await loadWhole(page, range, { ...asked, by: 'app', extra }, signal);
        return [value, totalOf(whole)?.now ?? 0];
      })
    );
    return { sums: largestFirst(new Map(amounts)), isCut: found.limitReached, spec: asked };
  });
};
