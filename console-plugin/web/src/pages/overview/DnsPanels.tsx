//! DNS: how fast it answers, what it answers, and which names are slow. Who: `OverviewPage`.
//! **Invariant:** an answer code other than "no error" stands out by its sign and word, not by colour alone.
import { BarList } from '../../components/charts/BarList';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { byStat } from '../../components/charts/stack';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { useWhole } from '../../hooks/use-whole';
import { formatCount, formatMs } from '../../model/format';
import { sumsOf } from './fields';
import { LatencyChart } from './LatencyChart';
import { useNames } from './use-names';

const ASKED = 100;
const SHOWN = 6;
const HEIGHT = 196;
const CODE = 'DnsFlagsResponseCode';
const NO_ERROR = 'NoError';

/** `slow` is the 90th percentile over time, where that was asked for already. */
export const DnsPanels = ({ slow }: { slow?: QueryState<MetricData> }) => {
  const t = useText();
  const names = useNames();
  const codes = useWhole({ type: 'DnsFlows', fn: 'count', by: 'dnsRCode' });
  const byName = useMetric({ type: 'DnsLatencyMs', fn: 'p90', by: 'DnsName', limit: ASKED });
  const sums = sumsOf(codes.data, CODE);
  const all = sums.reduce((sum, { amount }) => sum + amount, 0);
  const slowest = byStat(
    (byName.data?.series ?? []).filter(each => each.metric.DnsName),
    'max'
  ).slice(0, SHOWN);
  return (
    <>
      <LatencyChart id="top_p90_dns_latency" type="DnsLatencyMs" slow={slow} title={t('DNS latency')} height={HEIGHT} />
      <ChartPanel
        id="rcode_dns_latency_flows"
        className="netobserv-third"
        title={t('DNS response codes')}
        height={HEIGHT}
        isLoading={!codes.data && !codes.error}
        isEmpty={!sums.length}
        error={codes.error}
        isStale={codes.isStale}
      >
        <BarList
          name={t('DNS response codes')}
          bars={sums.slice(0, SHOWN).map(({ value, amount }) => ({
            id: value,
            name: value === NO_ERROR ? value : `⚠ ${value}`,
            value: amount,
            text: formatCount(amount),
            share: all > 0 ? amount / all : undefined,
            color: value === NO_ERROR ? '--netobserv-good' : '--netobserv-bad',
            ...names.ofValue(CODE, value, value, t('DNS response codes'))
          }))}
        />
      </ChartPanel>
      <ChartPanel
        id="slowest_dns_names"
        className="netobserv-third"
        title={t('Slowest DNS names')}
        note={t('highest p90')}
        height={HEIGHT}
        isLoading={!byName.data && !byName.error}
        isEmpty={!slowest.length}
        error={byName.error}
        isStale={byName.isStale}
      >
        <BarList
          name={t('Slowest DNS names')}
          bars={slowest.map(each => ({
            id: each.id,
            name: each.metric.DnsName!,
            value: each.stats.max,
            text: formatMs(each.stats.max),
            color: '--netobserv-series-2',
            ...names.ofValue('DnsName', each.metric.DnsName!, each.metric.DnsName!, t('Slowest DNS names'))
          }))}
        />
      </ChartPanel>
    </>
  );
};
