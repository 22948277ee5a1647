//! Round trip time: over all, and the slowest peers as a heat strip. Who: `OverviewPage`.
//! **Invariant:** the strip's rows are ordered by their worst step, so that a short trouble is not averaged away.
import { ChartPanel } from '../../components/charts/ChartPanel';
import { HeatStrip } from '../../components/charts/HeatStrip';
import { byStat } from '../../components/charts/stack';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { formatMs, formatWithin } from '../../model/format';
import { scopeName } from '../../model/series';
import { LatencyChart } from './LatencyChart';
import { useNames } from './use-names';

const ASKED = 100;
const SHOWN = 7;
const HEIGHT = 196;

/** `slow` is the 90th percentile over time, where that was asked for already. */
export const RoundTripPanels = ({ slow }: { slow?: QueryState<MetricData> }) => {
  const t = useText();
  const { config, state } = usePage();
  const names = useNames();
  const peers = useMetric({ type: 'TimeFlowRttNs', fn: 'p90', by: state.scope, limit: ASKED });
  const by = peers.data?.spec.by ?? state.scope;
  const times = peers.data?.times ?? [];
  const slowest = byStat(peers.data?.series ?? [], 'max').slice(0, SHOWN);
  return (
    <>
      <LatencyChart id="top_avg_rtt" type="TimeFlowRttNs" slow={slow} title={t('Round trip time')} height={HEIGHT} />
      <ChartPanel
        id="top_p90_rtt"
        className="netobserv-two-thirds"
        title={t('Slowest round trips')}
        note={t('highest p90 by {{scope}}, the stronger the colour the slower', {
          scope: scopeName(config.scopes, by)
        })}
        height={HEIGHT}
        isLoading={!peers.data && !peers.error}
        isEmpty={!slowest.length}
        error={peers.error}
        isStale={peers.isStale}
        table={() => ({
          head: [t('Peers'), ...times.map(time => formatWithin(time * 1000, times.at(-1)! - times[0]!))],
          rows: slowest.map(each => [each.name, ...each.values.map(value => (value === null ? '–' : formatMs(value)))])
        })}
      >
        <HeatStrip
          name={t('Slowest round trips')}
          times={times}
          format={formatMs}
          rows={slowest.map(each => ({
            id: each.id,
            name: each.name,
            values: each.values,
            text: formatMs(each.stats.max),
            ...names.ofSeries(each, by)
          }))}
        />
      </ChartPanel>
    </>
  );
};
