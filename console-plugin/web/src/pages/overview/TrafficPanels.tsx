//! Traffic by the chosen scope: stacked over time, and as bars with share and change. Who: `OverviewPage`.
//! **Invariant:** both panels show the same names in the same colours, and what is not shown by name is "Others".
import { useMemo, useState } from 'react';
import { BarList, type Bar } from '../../components/charts/BarList';
import { cellText, ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { changeOf, rank } from '../../components/charts/stack';
import { useFacts } from '../../hooks/use-facts';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { useTop } from '../../hooks/use-top';
import type { Earlier } from '../../hooks/use-whole';
import { colorToken } from '../../model/color';
import { formatDateTime, formatMetric } from '../../model/format';
import { scopeName } from '../../model/series';
import type { TotalQuery } from './Tiles';
import { useNames } from './use-names';

interface Props {
  type: Measure;
  totals: Record<Measure, Total>;
  /** Whether the time before was recorded; if not, there is no change to tell. */
  earlier?: Earlier;
}

/** Over time, and over the whole range. */
export interface Total {
  overTime: TotalQuery;
  whole: number;
}

export type Measure = 'Bytes' | 'Packets';

/** Enough names that the change of those shown is known, also of who was not in the top of the range before. */
const ASKED = 100;
const CHART_HEIGHT_MIN = 200;
const BAR_HEIGHT = 31;
const LEGEND_HEIGHT = 60;
const OTHERS = '--netobserv-others';

export const TrafficPanels = ({ type: wantedType, totals, earlier }: Props) => {
  const t = useText();
  const { config, state, top } = usePage();
  const names = useNames();
  const { beganAt } = useFacts();
  const isComparable = earlier !== 'none' && earlier !== 'unaccounted';
  const { data, error, isStale } = useTop({ type: wantedType, fn: 'rate', by: state.scope, limit: ASKED });
  // What is shown may still answer the question before: it keeps its own names and units.
  const by = data?.set.spec.by ?? state.scope;
  const type = (data?.set.spec.type ?? wantedType) as Measure;
  const { overTime: total, whole: wholeTotal } = totals[type];
  const scope = scopeName(config.scopes, by);
  const [focusId, setFocusId] = useState<string>();

  const ranked = useMemo(() => data && rank(data, total.data, top), [data, total.data, top]);
  const series = useMemo((): ChartSeries[] => {
    if (!ranked) {
      return [];
    }
    const named = ranked.top.map(each => ({
      id: each.id,
      name: each.name,
      color: colorToken(each.name),
      values: each.values
    }));
    const others = ranked.others ? [{ id: 'others', name: t('Others'), color: OTHERS, values: ranked.others }] : [];
    const line = { id: 'total', name: t('Total'), color: '--netobserv-total', values: ranked.total, isLine: true };
    return [...named, ...others, line];
  }, [ranked, t]);

  const format = (value: number) => formatMetric(value, type, 'rate');
  const bars = useMemo((): Bar[] => {
    if (!data || !ranked) {
      return [];
    }
    const { values, isLimitReached } = data.whole;
    // Who is missing in a list that was cut may have been there.
    const missing = isLimitReached ? undefined : 0;
    const share = (value: number) => (wholeTotal > 0 ? value / wholeTotal : undefined);
    const text = (value: number) => formatMetric(value, type, 'rate');
    const named = ranked.top.map(each => {
      const { now = 0, before } = values.get(each.id) ?? {};
      return {
        id: each.id,
        name: each.name,
        value: now,
        text: text(now),
        share: share(now),
        change: isComparable ? changeOf(now, before ?? missing) : undefined,
        color: colorToken(each.name),
        ...names.ofSeries(each, by)
      };
    });
    const rest = ranked.others ? wholeTotal - named.reduce((sum, bar) => sum + bar.value, 0) : 0;
    return rest > 0
      ? [
          ...named,
          { id: 'others', name: t('Others'), value: rest, text: text(rest), share: share(rest), color: OTHERS }
        ]
      : named;
  }, [data, ranked, wholeTotal, isComparable, type, by, names, t]);

  // The chart is about as high as the bars beside it.
  const chartHeight = Math.max(CHART_HEIGHT_MIN, (top + 1) * BAR_HEIGHT - LEGEND_HEIGHT);
  const isPackets = type === 'Packets';
  const id = isPackets ? 'packet_rates' : 'byte_rates';
  const isLoading = !data && !error;
  const isEmpty = !ranked?.top.length;
  return (
    <>
      <ChartPanel
        id={id}
        className="netobserv-wide"
        title={isPackets ? t('Packets over time') : t('Traffic over time')}
        note={t('top {{top}} by {{scope}}', { top, scope })}
        height={chartHeight + LEGEND_HEIGHT / 2}
        isLoading={isLoading}
        // The youngest flows are in no settled step yet.
        isEmpty={isEmpty || !data?.set.times.length}
        emptyText={isEmpty ? undefined : t('No point over time yet')}
        error={error}
        isStale={isStale}
        table={() => ({
          head: [t('Time'), ...series.map(each => each.name)],
          rows: data!.set.times.map((time, index) => [
            formatDateTime(time * 1000),
            ...series.map(each => cellText(each.values[index], format))
          ])
        })}
      >
        <TimeChart
          name={isPackets ? t('Packets over time') : t('Traffic over time')}
          times={data?.set.times ?? []}
          series={series}
          isStacked
          format={format}
          height={chartHeight}
          focusId={focusId}
        />
        <Legend
          name={t('Names in the chart')}
          onFocus={setFocusId}
          items={series
            .filter(each => !each.isLine)
            .map(each => {
              const known = ranked?.top.find(one => one.id === each.id);
              return { id: each.id, name: each.name, color: each.color, ...(known ? names.ofSeries(known, by) : {}) };
            })}
        />
      </ChartPanel>
      <ChartPanel
        id={`top_avg_${id}`}
        className="netobserv-narrow"
        title={t('Who talks to whom')}
        note={[
          t('average, top {{top}} by {{scope}}', { top, scope }),
          ...(earlier === 'none' && beganAt === undefined ? [t('no earlier data to compare with')] : []),
          ...(earlier === 'unaccounted' ? [t('the time before is not accounted for')] : [])
        ].join('; ')}
        height={chartHeight + LEGEND_HEIGHT / 2}
        isLoading={isLoading}
        isEmpty={isEmpty}
        error={error}
        isStale={isStale}
      >
        <BarList name={t('Who talks to whom')} bars={bars} />
      </ChartPanel>
    </>
  );
};
