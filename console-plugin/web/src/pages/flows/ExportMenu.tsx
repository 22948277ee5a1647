//! Flows as a CSV file: all that fit the filters, up to what the back end gives at once. Who: `FlowsPage`.
//! **Invariant:** says before the download how many of how many flows the file has.
import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { DownloadIcon } from '@patternfly/react-icons';
import { useState } from 'react';
import { exportUrl, getLimits } from '../../api/flows';
import { usePage } from '../../hooks/use-page';
import { useQuery } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { formatCount } from '../../model/format';

interface Props {
  /** Rows that the table may have. */
  limit: number;
  /** Flows in the table, before those of two reporters are shown as one. */
  loaded: number;
  /** The table does not have all flows. */
  isLimited: boolean;
  /** About how many there are, where the table does not have all and it is known. */
  total?: number;
  /** Fields of the columns that are shown. */
  shown: string[];
}

export const ExportMenu = ({ limit, loaded, isLimited, total, shown }: Props) => {
  const t = useText();
  const { query } = usePage();
  const [isOpen, setIsOpen] = useState(false);
  // Until it is known, and of a back end that does not tell, as many as the table may have.
  const limits = useQuery(isOpen ? 'limits' : undefined, 0, getLimits);
  const most = Math.max(limit, limits.data?.max_entries_limit_per_query ?? 0);
  const url = (columns?: string[]) => exportUrl({ ...query, limit: most }, columns);
  const words = { most: formatCount(most), total: formatCount(total ?? loaded) };
  const content = !isLimited
    ? t('All {{total}} flows', words)
    : total === undefined
      ? t('The newest {{most}} flows at most', words)
      : total > most
        ? t('The newest {{most}} of about {{total}} flows', words)
        : t('All flows, about {{total}}, {{most}} at most', words);
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: 'end' }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          variant="plain"
          icon={<DownloadIcon />}
          aria-label={t('Export as CSV')}
          title={t('Export as CSV')}
          isExpanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        />
      )}
    >
      <DropdownList>
        <DropdownItem key="shown" to={url(shown)} download="flows.csv" description={content}>
          {t('Export the shown columns as CSV')}
        </DropdownItem>
        <DropdownItem key="all" to={url()} download="flows.csv" description={content}>
          {t('Export all columns as CSV')}
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
};
