//! The view of single flows: table, side panel, columns, export. Who: the frame, as a chunk of its own.
//! **Invariant:** the table shows what one records request answered; sorting and merging happen here, filtering never.
import { Button } from '@patternfly/react-core';
import { ColumnsIcon } from '@patternfly/react-icons';
import { useCallback, useMemo, useState } from 'react';
import { getRecords } from '../../api/flows';
import { Busy } from '../../components/Busy';
import { PickMenu } from '../../components/PickMenu';
import { Slot } from '../../components/Slots';
import { ErrorView, LoadingRows, NothingFound, RefreshFailed } from '../../components/StateViews';
import { Summary } from '../../components/Summary';
import { useFacts } from '../../hooks/use-facts';
import { usePage } from '../../hooks/use-page';
import { useQuery } from '../../hooks/use-query';
import { isFlag, isOneOf, isText, isTexts, useSetting } from '../../hooks/use-settings';
import { useText } from '../../hooks/use-text';
import { availableColumns, DEFAULT_SORT, defaultColumns, sortFlows, type Sort } from '../../model/columns';
import { fieldFilters } from '../../model/flow-filters';
import { flowsFromAnswer, mergeReporters, totalsOf, type Flow } from '../../model/flow';
import { formatBytes, formatCount, formatSi } from '../../model/format';
import { nameGoneInterfaces } from '../../model/interface-names';
import { spanOf } from '../../model/time';
import { LIMITS } from '../../model/url-state';
import { CellMenu, type CellMenuTarget } from './CellMenu';
import { ColumnChooser } from './ColumnChooser';
import { ExportMenu } from './ExportMenu';
import { FlowPanel } from './FlowPanel';
import './flows.css';
import { FlowTable } from './FlowTable';
import { SortedPart } from './SortedPart';
import { useFlowCount } from './use-flow-count';

const isSize = isOneOf('s', 'm');

const FlowsPage = () => {
  const t = useText();
  const { config, ports, fields, state, query, limit, tick, now, change, filterOn } = usePage();
  const { began } = useFacts();
  const columns = useMemo(() => availableColumns(config), [config]);
  const [selectedColumns, setSelectedColumns] = useSetting<string[]>(
    'netflow-traffic-columns',
    isTexts,
    defaultColumns(columns)
  );
  const [sortId, setSortId] = useSetting('netflow-traffic-sort-id', isText, DEFAULT_SORT.id);
  const [isDescending, setIsDescending] = useSetting(
    'netflow-traffic-sort-descending',
    isFlag,
    DEFAULT_SORT.isDescending
  );
  const [size, setSize] = useSetting('netflow-traffic-size-size', isSize, 'm');
  const [selected, setSelected] = useState<Flow>();
  const [menu, setMenu] = useState<CellMenuTarget>();
  const [isChoosing, setIsChoosing] = useState(false);

  const request = { ...query, limit };
  const records = useQuery(JSON.stringify(request), tick, async signal => {
    const answer = await getRecords(request, signal);
    return {
      flows: nameGoneInterfaces(flowsFromAnswer(answer, config.fields)),
      isLimitReached: answer.stats.limitReached
    };
  });
  const { data, error, isStale, loadedAt, tookMs } = records;

  const shownColumns = useMemo(() => {
    const shown = columns.filter(column => selectedColumns.includes(column.id));
    return shown.length ? shown : columns.filter(column => column.default);
  }, [columns, selectedColumns]);
  const sort = useMemo(
    (): Sort => (shownColumns.some(column => column.id === sortId) ? { id: sortId, isDescending } : DEFAULT_SORT),
    [shownColumns, sortId, isDescending]
  );
  const merged = useMemo(() => {
    const all = data?.flows ?? [];
    return state.isShowingDuplicates ? all : mergeReporters(all);
  }, [data, state.isShowingDuplicates]);
  const duplicates = (data?.flows.length ?? 0) - merged.length;
  const flows = useMemo(() => sortFlows(merged, sort, columns, ports), [merged, sort, columns, ports]);
  const totals = useMemo(() => totalsOf(flows), [flows]);
  const close = useCallback(() => setSelected(undefined), []);
  const closeMenu = useCallback(() => setMenu(undefined), []);

  const isCompact = size === 's';
  const isLimited = data?.isLimitReached ?? false;
  const total = useFlowCount(isLimited ? data?.flows.length : undefined);
  const isByTime = sort.id === DEFAULT_SORT.id && sort.isDescending === DEFAULT_SORT.isDescending;
  // The table has flows up to now, and none from before the data begins.
  const { start, end } = spanOf(state.range, now());
  const seconds = Math.max(1, Math.min(end, now()) - Math.max(start, began ?? start));
  return (
    <div className="netobserv-split">
      <div className="netobserv-main">
        <Busy />
        {!data && (error ? <ErrorView error={error} /> : <LoadingRows />)}
        {data && error && <RefreshFailed error={error} loadedAt={loadedAt} />}
        {data && !flows.length && <NothingFound />}
        {isLimited && !isByTime && <SortedPart total={total} />}
        {data && flows.length > 0 && (
          <FlowTable
            flows={flows}
            columns={shownColumns}
            allColumns={columns}
            ports={ports}
            nowMs={loadedAt ?? 0}
            sort={sort}
            onSort={next => {
              setSortId(next.id);
              setIsDescending(next.isDescending);
            }}
            isCompact={isCompact}
            isStale={isStale}
            selectedId={selected?._id}
            onSelect={setSelected}
            onExclude={flow => fieldFilters(config, fields, flow, 'DstAddr', true).forEach(filterOn)}
            onMenu={(flow, column, at) => setMenu({ flow, column, at })}
          />
        )}
      </div>
      {selected && <FlowPanel flow={selected} onClose={close} />}
      {menu && <CellMenu target={menu} onClose={closeMenu} />}
      {isChoosing && (
        <ColumnChooser
          columns={columns}
          selected={shownColumns.map(column => column.id)}
          onClose={() => setIsChoosing(false)}
          onSave={ids => {
            setSelectedColumns(ids);
            setIsChoosing(false);
          }}
        />
      )}
      <Slot name="options">
        <PickMenu
          name={t('Rows')}
          isPlain
          value={limit}
          options={LIMITS.map(value => ({
            value,
            label: t('{{count}} rows', { count: value, shown: formatCount(value) })
          }))}
          onPick={value => change({ limit: value })}
        />
        <PickMenu
          name={t('Row height')}
          isPlain
          value={size}
          options={[
            { value: 's', label: t('Compact') },
            { value: 'm', label: t('Comfortable') }
          ]}
          onPick={setSize}
        />
        <Button
          variant="plain"
          icon={<ColumnsIcon />}
          onClick={() => setIsChoosing(true)}
          aria-label={t('Columns')}
          title={t('Columns')}
        />
        <ExportMenu
          limit={limit}
          loaded={data?.flows.length ?? 0}
          isLimited={isLimited}
          total={total}
          shown={shownColumns.flatMap(column => column.fields ?? column.field ?? [])}
        />
      </Slot>
      <Slot name="summary">
        <Summary
          items={
            data
              ? [
                  {
                    text: t('{{count}} flows', {
                      count: totals.flows,
                      shown: formatCount(totals.flows) + (isLimited ? '+' : '')
                    })
                  },
                  { text: formatBytes(totals.bytes) },
                  { text: t('{{count}} packets', { count: totals.packets, shown: formatCount(totals.packets) }) },
                  ...(duplicates
                    ? [
                        {
                          text: t('{{count}} duplicates hidden', {
                            count: duplicates,
                            shown: formatCount(duplicates)
                          }),
                          title: t('Told by a second agent too: each flow is shown and counted once. Show all of them'),
                          act: () => change({ isShowingDuplicates: true })
                        }
                      ]
                    : []),
                  // A part of the flows says nothing of the rate over the whole range.
                  ...(isLimited
                    ? []
                    : [{ text: formatSi(totals.bytes / seconds, 'Bps'), title: t('Average over the time range') }]),
                  ...(isLimited
                    ? [
                        {
                          text:
                            total === undefined
                              ? t('Limit reached: the newest {{shown}} only', { shown: formatCount(limit) })
                              : t('Limit reached: the newest {{shown}} of about {{total}} only', {
                                  shown: formatCount(limit),
                                  total: formatCount(total)
                                }),
                          isWarning: true
                        }
                      ]
                    : [])
                ]
              : []
          }
          loadedAt={loadedAt}
          tookMs={tookMs}
        />
      </Slot>
    </div>
  );
};

export default FlowsPage;
