//! An additive metric over time together with its values over the whole range. Who: overview panels that rank names.
//! **Invariant:** both are answers to one question, and each name that counts over the whole range has a series.
import { completed } from '../model/top';
import type { Whole } from '../model/whole';
import { keyOf, labelsOf, loadMetric, unknownName, type MetricData, type MetricSpec } from './use-metrics';
import { usePage } from './use-page';
import { useQuery, type QueryState } from './use-query';
import { useText } from './use-text';
import { loadWhole } from './use-whole';

export interface Top {
  set: MetricData;
  whole: Whole;
}

export const useTop = (spec: MetricSpec): QueryState<Top> => {
  const t = useText();
  const page = usePage();
  return useQuery(keyOf(page, spec), page.tick, async signal => {
    const [set, whole] = await Promise.all([loadMetric(page, spec, t, signal), loadWhole(page, spec, signal)]);
    const labels = labelsOf(page.config, spec.by, spec.groups);
    return { set: { ...set, series: completed(set, whole, labels, unknownName(labels, t)) }, whole };
  });
};
