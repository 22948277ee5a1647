//! How many flows fit the filters, where the table does not have them all. Who: `FlowsPage`.
//! **Invariant:** about as many as there are: those of the last seconds may still be on their way, so a count of no more
//! than the table has tells nothing. Not known of records that metrics do not count.
import { usePage } from '../../hooks/use-page';
import { useWhole } from '../../hooks/use-whole';
import { totalOf } from '../../model/whole';

const COUNTED = ['flowLog', 'endConnection'];

/** `loaded` are the flows that the table has; nothing where it has all. */
export const useFlowCount = (loaded: number | undefined): number | undefined => {
  const { state } = usePage();
  const isCounted = loaded !== undefined && COUNTED.includes(state.recordType);
  const { data, isStale } = useWhole(isCounted ? { type: 'Flows', fn: 'count', by: 'app' } : undefined);
  const count = isCounted && !isStale ? totalOf(data)?.now : undefined;
  return count !== undefined && loaded !== undefined && count > loaded ? count : undefined;
};
