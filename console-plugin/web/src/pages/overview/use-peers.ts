//! What a click on a name in the overview does. Who: its panels.
//! **Invariant:** filters are replaced, not widened: clicking one pair after another shows the last one clicked.
import { usePage } from '../../hooks/use-page';
import { replaceAll, seriesFilters, valueFilters } from '../../model/peer-filters';
import { scopeById, type Series } from '../../model/series';
import type { Filter } from '../../model/filters';

export interface NameActions {
  onFilter?: () => void;
  onExclude?: () => void;
}

export const useNameActions = () => {
  const page = usePage();
  const { config, state, change, filterOn } = page;
  const scope = scopeById(config.scopes, state.scope);
  const apply = (filters: Filter[]) =>
    filters.length ? () => change({ filters: replaceAll(state.filters, filters) }) : undefined;
  return {
    ofSeries: (series: Series): NameActions => ({ onFilter: apply(seriesFilters(page, scope, series)) }),
    ofValue: (field: string, value: string): NameActions => {
      const [excluding] = valueFilters(page, field, value, '!=');
      return {
        onFilter: apply(valueFilters(page, field, value)),
        onExclude: excluding && (() => filterOn(excluding))
      };
    }
  };
};
