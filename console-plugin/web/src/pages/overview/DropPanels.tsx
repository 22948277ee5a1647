//! Dropped packets by cause over time. Who: `OverviewPage`, where the agent records drops.
//! **Invariant:** causes stack up to all drops.
import { useMemo } from 'react';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { rank } from '../../components/charts/stack';
import { useMetric } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { colorToken } from '../../model/color';
import { formatDateTime, formatMetric } from '../../model/format';
import { useNameActions } from './use-peers';

const HEIGHT = 196;
const CAUSE = 'PktDropLatestDropCause';
const format = (value: number) => formatMetric(value, 'PktDropPackets', 'rate');

export const DropPanels = () => {
  const t = useText();
  const { top } = usePage();
  const actions = useNameActions();
  const causes = useMetric({ type: 'PktDropPackets', fn: 'rate', by: 'droppedCause' });
  const series = useMemo(
    (): ChartSeries[] =>
      causes.data
        ? rank(causes.data, undefined, top).top.map(each => ({
            id: each.metric[CAUSE] ?? '',
            name: (each.metric[CAUSE] || t('Unknown'))
              .replace('SKB_DROP_REASON_', '')
              .toLowerCase()
              .replaceAll('_', ' '),
            color: colorToken(each.name),
            values: each.values
          }))
        : [],
    [causes.data, top, t]
  );
  return (
    <ChartPanel
      id="cause_dropped_packet_rates"
      className="netobserv-full"
      title={t('Dropped packets by cause')}
      height={HEIGHT}
      isLoading={!causes.data && !causes.error}
      isEmpty={!series.length}
      error={causes.error}
      table={() => ({
        head: [t('Time'), ...series.map(each => each.name)],
        rows: causes.data!.times.map((time, index) => [
          formatDateTime(time * 1000),
          ...series.map(each => format(each.values[index] ?? 0))
        ])
      })}
    >
      <TimeChart
        name={t('Dropped packets by cause')}
        times={causes.data?.times ?? []}
        series={series}
        isStacked
        format={format}
        height={HEIGHT - 28}
      />
      <Legend
        name={t('Names in the chart')}
        items={series.map(each => ({ ...each, ...actions.ofValue(CAUSE, each.id) }))}
      />
    </ChartPanel>
  );
};
