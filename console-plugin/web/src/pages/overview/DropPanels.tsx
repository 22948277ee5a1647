//! Dropped packets by cause over time. Who: `OverviewPage`, where the agent records drops.
//! **Invariant:** causes stack up to all drops.
import { useMemo } from 'react';
import { cellText, ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { rank } from '../../components/charts/stack';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { useTop } from '../../hooks/use-top';
import { colorToken } from '../../model/color';
import { formatDateTime, formatMetric } from '../../model/format';
import { useNames } from './use-names';

const HEIGHT = 196;
const CAUSE = 'PktDropLatestDropCause';
const OTHERS = 'others';
const format = (value: number) => formatMetric(value, 'PktDropPackets', 'rate');

export const DropPanels = () => {
  const t = useText();
  const { top } = usePage();
  const names = useNames();
  const causes = useTop({ type: 'PktDropPackets', fn: 'rate', by: 'droppedCause' });
  const times = causes.data?.set.times ?? [];
  const ranked = useMemo(() => causes.data && rank(causes.data, undefined, top), [causes.data, top]);
  const series = useMemo((): ChartSeries[] => {
    const named = (ranked?.top ?? []).map(each => ({
      id: each.metric[CAUSE] ?? '',
      name: (each.metric[CAUSE] || t('Unknown')).replace('SKB_DROP_REASON_', '').toLowerCase().replaceAll('_', ' '),
      color: colorToken(each.name),
      values: each.values
    }));
    return ranked?.others
      ? [...named, { id: OTHERS, name: t('Others'), color: '--netobserv-others', values: ranked.others }]
      : named;
  }, [ranked, t]);
  return (
    <ChartPanel
      id="cause_dropped_packet_rates"
      className="netobserv-full"
      title={t('Dropped packets by cause')}
      height={HEIGHT}
      isLoading={!causes.data && !causes.error}
      isEmpty={!series.length || !times.length}
      emptyText={series.length ? t('No point over time yet') : undefined}
      error={causes.error}
      isStale={causes.isStale}
      table={() => ({
        head: [t('Time'), ...series.map(each => each.name)],
        rows: times.map((time, index) => [
          formatDateTime(time * 1000),
          ...series.map(each => cellText(each.values[index], format))
        ])
      })}
    >
      <TimeChart
        name={t('Dropped packets by cause')}
        times={times}
        series={series}
        isStacked
        format={format}
        height={HEIGHT - 28}
      />
      <Legend
        name={t('Names in the chart')}
        items={series.map(each =>
          each.id === OTHERS
            ? each
            : { ...each, ...names.ofValue(CAUSE, each.id, each.name, t('Dropped packets by cause')) }
        )}
      />
    </ChartPanel>
  );
};
