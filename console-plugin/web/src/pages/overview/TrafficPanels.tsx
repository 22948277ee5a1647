//! Traffic by the chosen scope: stacked over time, and as bars with share and change. Who: `OverviewPage`.
//! **Invariant:** both panels show the same names in the same colours, and what is not shown by name is "Others".
import { useMemo, useState } from 'react';
import { BarList, type Bar } from '../../components/charts/BarList';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { changeOf, rank } from '../../components/charts/stack';
import { useMetric } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { useWhole } from '../../hooks/use-whole';
import { colorToken } from '../../model/color';
import { formatDateTime, formatMetric } from '../../model/format';
import type { TotalQuery } from './Tiles';
import { useNameActions } from './use-peers';

interface Props {
  type: 'Bytes' | 'Packets';
  /** Over time, and over the whole range. */
  total: TotalQuery;
  wholeTotal: number;
  scopeName: string;
  /** Nothing was recorded before the time shown: there is no change to tell. */
  isFirst: boolean;
}

/** Enough names to know the top over the whole range, not only the top of each step. */
const ASKED = 100;
const CHART_HEIGHT_MIN = 200;
const BAR_HEIGHT = 31;
const LEGEND_HEIGHT = 60;
const OTHERS = '--netobserv-others';

export const TrafficPanels = ({ type, total, wholeTotal, scopeName, isFirst }: Props) => {
  const t = useText();
  const { state, top } = usePage();
  const actions = useNameActions();
  const spec = { type, fn: 'rate', by: state.scope, limit: ASKED };
  const now = useMetric(spec);
  const { data: whole } = useWhole(spec);
  const [focusId, setFocusId] = useState<string>();

  const ranked = useMemo(() => now.data && rank(now.data, total.data, top), [now.data, total.data, top]);
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
    // Who is missing in a list that was cut may have been there.
    const missing = whole?.isLimitReached ? undefined : 0;
    const share = (value: number) => (wholeTotal > 0 ? value / wholeTotal : undefined);
    const text = (value: number) => formatMetric(value, type, 'rate');
    const named = (ranked?.top ?? [])
      .map(each => {
        const { now, before } = whole?.values.get(each.id) ?? {};
        const value = now ?? each.stats.avg;
        return {
          id: each.id,
          name: each.name,
          value,
          text: text(value),
          share: share(value),
          change: isFirst ? undefined : changeOf(now, before ?? missing),
          color: colorToken(each.name),
          ...actions.ofSeries(each)
        };
      })
      .sort((a, b) => b.value - a.value);
    const rest = ranked?.others ? wholeTotal - named.reduce((sum, bar) => sum + bar.value, 0) : 0;
    return rest > 0
      ? [
          ...named,
          { id: 'others', name: t('Others'), value: rest, text: text(rest), share: share(rest), color: OTHERS }
        ]
      : named;
  }, [ranked, whole, wholeTotal, isFirst, type, actions, t]);

  // The chart is about as high as the bars beside it.
  const chartHeight = Math.max(CHART_HEIGHT_MIN, (top + 1) * BAR_HEIGHT - LEGEND_HEIGHT);
  const isPackets = type === 'Packets';
  const id = isPackets ? 'packet_rates' : 'byte_rates';
  const isLoading = !now.data && !now.error;
  const isEmpty = !ranked?.top.length;
  const error = now.error;
  return (
    <>
      <ChartPanel
        id={id}
        className="netobserv-wide"
        title={isPackets ? t('Packets over time') : t('Traffic over time')}
        note={t('top {{top}} by {{scope}}', { top, scope: scopeName })}
        height={chartHeight + LEGEND_HEIGHT / 2}
        isLoading={isLoading}
        isEmpty={isEmpty}
        error={error}
        table={() => ({
          head: [t('Time'), ...series.map(each => each.name)],
          rows: now.data!.times.map((time, index) => [
            formatDateTime(time * 1000),
            ...series.map(each => format(each.values[index] ?? 0))
          ])
        })}
      >
        <TimeChart
          name={isPackets ? t('Packets over time') : t('Traffic over time')}
          times={now.data?.times ?? []}
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
              return { id: each.id, name: each.name, color: each.color, ...(known ? actions.ofSeries(known) : {}) };
            })}
        />
      </ChartPanel>
      <ChartPanel
        id={`top_avg_${id}`}
        className="netobserv-narrow"
        title={t('Who talks to whom')}
        note={[
          t('average, top {{top}} by {{scope}}', { top, scope: scopeName }),
          ...(isFirst ? [t('no earlier data to compare with')] : [])
        ].join('; ')}
        height={chartHeight + LEGEND_HEIGHT / 2}
        isLoading={isLoading}
        isEmpty={isEmpty}
        error={error}
      >
        <BarList name={t('Who talks to whom')} bars={bars} />
      </ChartPanel>
    </>
  );
};
