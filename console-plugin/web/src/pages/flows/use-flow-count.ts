//! How many flows fit the filters, where the table does not have them all. Who: `FlowsPage`.
//! **Invariant:** about as many as there are: those of the last seconds may still be on their way. Not known of records
//! that metrics do not count.
import { usePage } from '../../hooks/use-page';
import { useWhole } from '../../hooks/use-whole';
import { totalOf } from '../../model/whole';

const COUNTED = ['flowLog', 'endConnection'];

export const useFlowCount = (isWanted: boolean): number | undefined => {
  const { state } = usePage();
  const isCounted = isWanted && COUNTED.includes(state.recordType);
  const { data, isStale } = useWhole(isCounted ? { type: 'Flows', fn: 'count', by: 'app' } : undefined);
  return isCounted && !isStale ? totalOf(data)?.now : undefined;
};
