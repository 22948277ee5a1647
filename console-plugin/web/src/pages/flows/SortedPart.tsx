//! That only a part of the flows is sorted, with the way to more of them. Who: `FlowsPage`.
//! **Invariant:** stands where the order is not that in which flows are loaded, the newest first: there the first row
//! would be taken for the largest of all.
import { Button } from '@patternfly/react-core';
import { InfoCircleIcon } from '@patternfly/react-icons';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { formatCount } from '../../model/format';
import { LIMITS } from '../../model/url-state';

export const SortedPart = ({ total }: { total?: number }) => {
  const t = useText();
  const { limit, change } = usePage();
  const words = { shown: formatCount(limit), total: formatCount(total ?? 0) };
  const more = LIMITS.find(each => each > limit);
  return (
    <div className="netobserv-note" role="status" data-test="sorted-part">
      <InfoCircleIcon aria-hidden />
      <span>
        {total === undefined
          ? t('Sorted are only the newest {{shown}} flows; there are more.', words)
          : t('Sorted are only the newest {{shown}} of about {{total}} flows.', words)}
      </span>
      {more !== undefined && (
        <Button variant="link" isInline onClick={() => change({ limit: more })}>
          {t('Load {{shown}} rows', { shown: formatCount(more) })}
        </Button>
      )}
    </div>
  );
};
