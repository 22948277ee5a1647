//! Traffic of each service port, to and from it. Who: `FieldPanels`.
//! **Invariant:** no flow counts twice: one between two service ports counts at its destination.
import { keyOf, type MetricSpec } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useRangeQuery } from '../../hooks/use-range-query';
import { loadWhole } from '../../hooks/use-whole';
import type { Whole } from '../../model/whole';
import { servicePorts, type FieldSum } from './fields';

/** Of the busiest ports: others are shown by no name. */
const BETWEEN_MAX = 50;
const NONE: Whole = { values: new Map(), isLimitReached: false };

export interface ServicePorts {
  sums: FieldSum[];
  spec: Omit<MetricSpec, 'by'>;
}

export const useServicePorts = (spec: Omit<MetricSpec, 'by'> | undefined): QueryState<ServicePorts> => {
  const page = usePage();
  const key = spec && keyOf(page, { ...spec, by: 'SrcPort' });
  return useRangeQuery(key, async (range, signal) => {
    const asked = spec!;
    const hasName = (port: number) => page.ports.name(port) !== undefined;
    const [source, target] = await Promise.all([
      loadWhole(page, range, { ...asked, by: 'SrcPort' }, signal),
      loadWhole(page, range, { ...asked, by: 'DstPort' }, signal)
    ]);
    const busiest = servicePorts(source, target, NONE, hasName).slice(0, BETWEEN_MAX);
    const values = busiest.map(({ value }) => value);
    const between = values.length
      ? await loadWhole(
          page,
          range,
          {
            ...asked,
            by: 'SrcPort',
            extra: ['src_port', 'dst_port'].map(id => ({ id, compare: '=' as const, values }))
          },
          signal
        )
      : NONE;
    return { sums: servicePorts(source, target, between, hasName), spec: asked };
  });
};
