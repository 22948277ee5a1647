//! The four numbers at the top: what is going on, in one look. Who: `OverviewPage`.
//! **Invariant:** a tile is red only when its number is out of the usual, and says so in words.
import { Skeleton } from '@patternfly/react-core';
import { ExclamationCircleIcon } from '@patternfly/react-icons';
import { changeText } from '../../components/charts/BarList';
import { Sparkline } from '../../components/charts/Sparkline';
import { changeOf, mean } from '../../components/charts/stack';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { formatMetric, formatMs, formatPercent, formatSi } from '../../model/format';
import { dropRatio, isUnusual } from './usual';

export type TotalQuery = QueryState<MetricData>;

interface TileProps {
  id: string;
  name: string;
  hint: string;
  now: TotalQuery;
  before: TotalQuery;
  values: (number | null)[];
  valuesBefore: (number | null)[];
  format: (value: number) => string;
  /** From here on a rise is worth red. */
  alarm?: { from: number; times: number };
}

const Tile = ({ id, name, hint, now, before, values, valuesBefore, format, alarm }: TileProps) => {
  const t = useText();
  const value = mean(values);
  const earlier = before.data && valuesBefore.length ? mean(valuesBefore) : undefined;
  const change = changeOf(value, earlier);
  const isAlarming = alarm !== undefined && isUnusual(value, earlier, alarm.from, alarm.times);
  const peak = values.reduce<number>((top, each) => Math.max(top, each ?? 0), 0);
  const latest = values.findLast(each => each !== null);
  return (
    <section
      className={`netobserv-tile ${isAlarming ? 'netobserv-tile-alarm' : ''}`}
      data-test={`tile-${id}`}
      aria-label={name}
    >
      <h2 className="netobserv-ellipsis" title={hint}>
        {name} <span className="netobserv-subtle">{t('average')}</span>
      </h2>
      {!now.data && !now.error ? (
        <Skeleton height="76px" screenreaderText={t('Loading')} />
      ) : (
        <>
          <div className="netobserv-tile-line">
            <span className="netobserv-tile-value">{values.length ? format(value) : '–'}</span>
            {change !== undefined && (
              <span className="netobserv-subtle" title={t('Change against the time before')}>
                {changeText(change)}
              </span>
            )}
            {isAlarming && (
              <span className="netobserv-danger netobserv-tile-note">
                <ExclamationCircleIcon aria-hidden /> {t('more than usual')}
              </span>
            )}
          </div>
          <Sparkline values={values} color={isAlarming ? '--netobserv-bad' : '--netobserv-bar'} />
          <div className="netobserv-subtle netobserv-ellipsis">
            {now.error
              ? now.error.message
              : t('now {{now}}, peak {{peak}}', { now: format(latest ?? 0), peak: format(peak) })}
          </div>
        </>
      )}
    </section>
  );
};

const points = (query: TotalQuery): (number | null)[] => query.data?.series[0]?.values ?? [];

const total = (type: string, fn: string, isBefore = false) => ({ type, fn, by: 'app', isBefore });

export const Tiles = ({ bytes, flows, packets }: { bytes: TotalQuery; flows: TotalQuery; packets: TotalQuery }) => {
  const t = useText();
  const { hasFeature } = usePage();
  const [hasDrops, hasRtt, hasDns] = [hasFeature('pktDrop'), hasFeature('flowRTT'), hasFeature('dnsTracking')];
  const before = {
    bytes: useMetric(total('Bytes', 'rate', true)),
    flows: useMetric(total('Flows', 'rate', true)),
    packets: useMetric(total('Packets', 'rate', true))
  };
  const drops = useMetric(hasDrops ? total('PktDropPackets', 'rate') : undefined);
  const dropsBefore = useMetric(hasDrops ? total('PktDropPackets', 'rate', true) : undefined);
  const latency = hasRtt ? 'TimeFlowRttNs' : hasDns ? 'DnsLatencyMs' : undefined;
  const slow = useMetric(latency ? total(latency, 'p90') : undefined);
  const slowBefore = useMetric(latency ? total(latency, 'p90', true) : undefined);
  return (
    <div className="netobserv-tiles">
      <Tile
        id="throughput"
        name={t('Throughput')}
        hint={t('Bytes per second, average over the time range')}
        now={bytes}
        before={before.bytes}
        values={points(bytes)}
        valuesBefore={points(before.bytes)}
        format={value => formatMetric(value, 'Bytes', 'rate')}
      />
      <Tile
        id="flows"
        name={t('Flow records per second')}
        hint={t('A record is one direction of a connection, reported every few seconds')}
        now={flows}
        before={before.flows}
        values={points(flows)}
        valuesBefore={points(before.flows)}
        format={value => formatSi(value)}
      />
      {hasDrops ? (
        <Tile
          id="drops"
          name={t('Dropped packets')}
          hint={t('Share of all packets that the kernel dropped')}
          now={drops}
          before={dropsBefore}
          values={dropRatio(points(drops), points(packets))}
          valuesBefore={dropRatio(points(dropsBefore), points(before.packets))}
          format={formatPercent}
          alarm={{ from: 0.01, times: 2 }}
        />
      ) : (
        <Tile
          id="packets"
          name={t('Packets per second')}
          hint={t('Average over the time range')}
          now={packets}
          before={before.packets}
          values={points(packets)}
          valuesBefore={points(before.packets)}
          format={value => formatSi(value)}
        />
      )}
      {latency && (
        <Tile
          id="latency"
          name={hasRtt ? t('Round trip time, p90') : t('DNS latency, p90')}
          hint={t('Nine of ten are faster than this')}
          now={slow}
          before={slowBefore}
          values={points(slow)}
          valuesBefore={points(slowBefore)}
          format={formatMs}
          alarm={{ from: 20, times: 2 }}
        />
      )}
    </div>
  );
};
