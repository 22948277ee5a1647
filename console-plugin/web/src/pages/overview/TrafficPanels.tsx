//! Traffic by the chosen scope: stacked over time, and as bars with share and change. Who: `OverviewPage`.
//! **Invariant:** both panels show the same names in the same colours, and what is not shown by name is "Others".
import { useMemo, useState } from 'react';
import { BarList, type Bar } from '../../components/charts/BarList';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { changeOf, mean, rank } from '../../components/charts/stack';
import { useMetric } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { colorToken } from '../../model/color';
import { formatDateTime, formatMetric } from '../../model/format';
import type { TotalQuery } from './Tiles';
import { useNameActions } from './use-peers';

interface Props {
  type: 'Bytes' | 'Packets';
  total: TotalQuery;
  scopeName: string;
}

/** Enough names to know the top over the whole range, not only the top of each step. */
const ASKED = 100;
const CHART_HEIGHT_MIN = 200;
const BAR_HEIGHT = 31;
const LEGEND_HEIGHT = 60;
const OTHERS = '--netobserv-others';

export const TrafficPanels = ({ type, total, scopeName }: Props) => {
  const t = useText();
  const { state, top } = usePage();
  const actions = useNameActions();
  const spec = { type, fn: 'rate', by: state.scope, limit: ASKED };
  const now = useMetric(spec);
  const before = useMetric({ ...spec, isBefore: true });
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
  const all = ranked ? mean(ranked.total) : 0;
  const bars = useMemo((): Bar[] => {
    const earlier = new Map(before.data?.series.map(each => [each.id, each.stats.avg]));
    const share = (value: number) => (all > 0 ? value / all : undefined);
    const text = (value: number) => formatMetric(value, type, 'rate');
    const named = (ranked?.top ?? []).map(each => ({
      id: each.id,
      name: each.name,
      value: each.stats.avg,
      text: text(each.stats.avg),
      share: share(each.stats.avg),
      change: changeOf(each.stats.avg, earlier.get(each.id)),
      color: colorToken(each.name),
      ...actions.ofSeries(each)
    }));
    const rest = ranked?.others ? mean(ranked.others) : 0;
    return rest > 0
      ? [
          ...named,
          { id: 'others', name: t('Others'), value: rest, text: text(rest), share: share(rest), color: OTHERS }
        ]
      : named;
  }, [ranked, before.data, all, type, actions, t]);

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
        note={t('average, top {{top}} by {{scope}}', { top, scope: scopeName })}
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
