//! Average and 90th percentile of a latency over time. Who: `DnsPanels`, `RoundTripPanels`.
//! **Invariant:** times without a measurement are gaps, never zero.
import { useMemo } from 'react';
import { cellText, ChartPanel } from '../../components/charts/ChartPanel';
import { Legend } from '../../components/charts/Legend';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { alignTo } from '../../components/charts/stack';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { formatDateTime, formatMs } from '../../model/format';

export type Latency = 'DnsLatencyMs' | 'TimeFlowRttNs';

interface Props {
  id: string;
  type: Latency;
  /** Its 90th percentile, where that was asked for already. */
  slow?: QueryState<MetricData>;
  title: string;
  height: number;
}

export const LatencyChart = ({ id, type, slow: asked, title, height }: Props) => {
  const t = useText();
  const average = useMetric({ type, fn: 'avg', by: 'app' });
  const own = useMetric(asked ? undefined : { type, fn: 'p90', by: 'app' });
  const slow = asked ?? own;
  const times = slow.data?.times ?? [];
  const series = useMemo((): ChartSeries[] => {
    const [high, middle] = [slow.data?.series[0], average.data?.series[0]];
    return [
      ...(high ? [{ id: 'p90', name: t('90th percentile'), color: '--netobserv-series-2', values: high.values }] : []),
      ...(middle
        ? [
            {
              id: 'avg',
              name: t('Average'),
              color: '--netobserv-bar',
              values: alignTo(slow.data?.times ?? [], average.data!, middle.values)
            }
          ]
        : [])
    ];
  }, [slow.data, average.data, t]);
  return (
    <ChartPanel
      id={id}
      className="netobserv-third"
      title={title}
      height={height}
      isLoading={!slow.data && !slow.error}
      isEmpty={!slow.data?.series.length}
      error={slow.error}
      isStale={slow.isStale || average.isStale}
      table={() => ({
        head: [t('Time'), ...series.map(each => each.name)],
        rows: times.map((time, index) => [
          formatDateTime(time * 1000),
          ...series.map(each => cellText(each.values[index], formatMs))
        ])
      })}
    >
      <TimeChart name={title} times={times} series={series} format={formatMs} height={height - 28} />
      <Legend name={t('Names in the chart')} items={series} />
    </ChartPanel>
  );
};
