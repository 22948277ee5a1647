//! A metric over time together with its values over the whole range. Who: overview panels that rank names, the topology.
//! **Invariant:** both are answers to one question, and each name that counts over the whole range has a series.
import { useMemo } from 'react';
import { withGaps } from '../model/gaps';
import { gapOf } from '../model/series';
import { completed } from '../model/top';
import { useFacts } from './use-facts';
import { keyOf, labelsOf, loadMetric, unknownName, type MetricData, type MetricSpec } from './use-metrics';
import { usePage } from './use-page';
import type { QueryState } from './use-query';
import { useRangeQuery } from './use-range-query';
import { useText } from './use-text';
import { loadWhole, type WholeData } from './use-whole';

export interface Top {
  set: MetricData;
  whole: WholeData;
}

export const useTop = (spec: MetricSpec | undefined): QueryState<Top> => {
  const t = useText();
  const page = usePage();
  const { losses } = useFacts();
  const query = useRangeQuery(spec && keyOf(page, spec), async (range, signal) => {
    const [set, whole] = await Promise.all([
      loadMetric(page, range, spec!, t, signal),
      loadWhole(page, range, spec!, signal)
    ]);
    const labels = labelsOf(page.config, spec!.by, spec!.groups);
    const gap = gapOf(spec!.type);
    return { set: { ...set, series: completed(set, whole, labels, unknownName(labels, t), gap) }, whole };
  });
  const data = useMemo(
    () => query.data && { ...query.data, set: withGaps(query.data.set, losses) },
    [query.data, losses]
  );
  return { ...query, data };
};
