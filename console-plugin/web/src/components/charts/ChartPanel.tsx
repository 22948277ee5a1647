//! A card with a title, what it draws, and the same as a table. Who: overview panels.
//! **Invariant:** the card has one height while it loads, is empty, fails, or shows data; what could not be refreshed
//! stays, dimmed, with the reason in the head.
import { Button, Skeleton } from '@patternfly/react-core';
import { ChartLineIcon, TableIcon } from '@patternfly/react-icons';
import { useState } from 'react';
import { useText } from '../../hooks/use-text';
import { hintFor } from '../../model/hints';
import { PartialMark } from '../PartialMark';

export interface TableData {
  head: string[];
  rows: (string | number)[][];
}

interface Props {
  /** The panel's name in NetObserv, where there is one. */
  id: string;
  title: string;
  /** What the numbers are, in a few words. */
  note?: string;
  height: number;
  isLoading: boolean;
  isEmpty: boolean;
  /** Why it is empty, where it is not that there is nothing. */
  emptyText?: string;
  error?: Error;
  /** What is drawn answers an older question. */
  isStale: boolean;
  table?: () => TableData;
  className?: string;
  children: React.ReactNode;
}

export const ChartPanel = ({
  id,
  title,
  note,
  height,
  isLoading,
  isEmpty,
  emptyText,
  error,
  isStale,
  table,
  className,
  children
}: Props) => {
  const t = useText();
  const [isTable, setIsTable] = useState(false);
  const canTable = table && !isEmpty;
  return (
    <section
      className={`netobserv-card ${className ?? ''}`}
      id={`panel-${id}`}
      data-test={`panel-${id}`}
      aria-label={title}
    >
      <div className="netobserv-card-head">
        <h2>{title}</h2>
        {error && !isEmpty ? (
          <span className="netobserv-warning netobserv-ellipsis" title={error.message}>
            {t('Not refreshed: {{error}}', { error: error.message })}
          </span>
        ) : (
          note && <span className="netobserv-subtle netobserv-ellipsis">{note}</span>
        )}
        <span className="netobserv-spacer" />
        {!isEmpty && !isLoading && <PartialMark />}
        {canTable && (
          <Button
            size="sm"
            variant="plain"
            icon={isTable ? <ChartLineIcon /> : <TableIcon />}
            aria-label={
              isTable ? t('{{panel}} as a chart', { panel: title }) : t('{{panel}} as a table', { panel: title })
            }
            title={isTable ? t('Show as a chart') : t('Show as a table')}
            onClick={() => setIsTable(!isTable)}
          />
        )}
      </div>
      <div
        className={`netobserv-card-body ${(error || isStale) && !isEmpty ? 'netobserv-stale' : ''}`}
        style={{ minBlockSize: height }}
      >
        {content()}
      </div>
    </section>
  );

  function content() {
    if (isLoading) {
      return <Skeleton height={`${height}px`} screenreaderText={t('Loading')} />;
    }
    if (error && isEmpty) {
      return (
        <p className="netobserv-panel-empty" role="alert">
          <span>
            <span className="netobserv-error-text">{error.message}</span>
            <br />
            {t(hintFor(error.message))}
          </span>
        </p>
      );
    }
    if (isEmpty) {
      return <p className="netobserv-panel-empty">{emptyText ?? t('Nothing in this time range')}</p>;
    }
    return canTable && isTable ? <DataTable title={title} {...table()} /> : children;
  }
};

/** A value in the table; one that is not known is no zero. */
export const cellText = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? '–' : format(value);

const DataTable = ({ title, head, rows }: TableData & { title: string }) => (
  <div className="netobserv-data-table" tabIndex={0} role="region" aria-label={title}>
    <table aria-label={title}>
      <thead>
        <tr>
          {head.map((cell, index) => (
            <th key={`${index}${cell}`} scope="col">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, column) =>
              column ? (
                <td key={column}>{cell}</td>
              ) : (
                <th key={column} scope="row">
                  {cell}
                </th>
              )
            )}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
