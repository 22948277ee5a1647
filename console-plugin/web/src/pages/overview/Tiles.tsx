//! The four numbers at the top: what is going on, in one look. Who: `OverviewPage`.
//! **Invariant:** a tile's number is of the whole range, its line over time; it is red only when it is out of the usual,
//! and says so in words.
import { Skeleton } from '@patternfly/react-core';
import { ExclamationCircleIcon } from '@patternfly/react-icons';
import { PartialMark } from '../../components/PartialMark';
import { BEGAN_HINT } from '../../components/Summary';
import { changeText } from '../../components/charts/BarList';
import { Sparkline } from '../../components/charts/Sparkline';
import { alignTo, changeOf } from '../../components/charts/stack';
import { useFacts } from '../../hooks/use-facts';
import { useMetric, type MetricData } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { isComparable, useWhole, type Earlier, type WholeData } from '../../hooks/use-whole';
import { formatMetric, formatMs, formatPercent, formatSi } from '../../model/format';
import { totalOf } from '../../model/whole';
import type { Latency } from './LatencyChart';
import { dropRatio, isUnusual, ratioOf } from './usual';

export type TotalQuery = QueryState<MetricData>;
export type WholeQuery = QueryState<WholeData>;

interface TileProps {
  id: string;
  name: string;
  /** What the number is, in a word. */
  kind: string;
  hint: string;
  /** What the line needs, and what the number needs. */
  queries: QueryState<unknown>[];
  value?: number;
  /** The value of the range before; missing if not known. */
  before?: number;
  /** Whether that was recorded. */
  earlier?: Earlier;
  /** In an average: when the data begins within the range, which is why there is no change to tell. */
  beganAt?: string;
  values: (number | null)[];
  format: (value: number) => string;
  /** From here on a rise is worth red. */
  alarm?: { from: number; times: number };
}

const Tile = ({ id, name, kind, hint, queries, value, before, earlier, beganAt, values, format, alarm }: TileProps) => {
  const t = useText();
  const { isNowUnknown } = useFacts();
  const hasChange = isComparable(earlier);
  const change = hasChange ? changeOf(value, before) : undefined;
  const isAlarming = alarm !== undefined && value !== undefined && hasChange && isUnusual(value, before, alarm);
  const peak = values.reduce<number>((top, each) => Math.max(top, each ?? 0), 0);
  // Of the last step, or it is not known: an earlier one is not now.
  const latest = values.at(-1) ?? undefined;
  const isLatestKnown = latest !== undefined && !(latest === 0 && isNowUnknown);
  const error = queries.find(query => query.error)?.error;
  const isLoading = !error && queries.some(query => query.data === undefined);
  const isStale = queries.some(query => query.isStale);
  return (
    <section
      className={`netobserv-tile ${isAlarming ? 'netobserv-tile-alarm' : ''} ${isStale ? 'netobserv-stale' : ''}`}
      data-test={`tile-${id}`}
      aria-label={name}
    >
      <div className="netobserv-tile-head">
        <h2 className="netobserv-ellipsis" title={hint}>
          {name}, {kind}
        </h2>
        {!isLoading && <PartialMark />}
      </div>
      {isLoading ? (
        <Skeleton height="76px" screenreaderText={t('Loading')} />
      ) : (
        <>
          <div className="netobserv-tile-line">
            <span className="netobserv-tile-value">{value === undefined ? '–' : format(value)}</span>
            {beganAt !== undefined && (
              <span className="netobserv-subtle" title={t(BEGAN_HINT)}>
                {t('since {{time}}', { time: beganAt })}
              </span>
            )}
            {earlier === 'unaccounted' && (
              <span
                className="netobserv-subtle"
                title={t('What passed at the time to compare with, just before the time shown, is not known in full')}
              >
                {t('time before not accounted for')}
              </span>
            )}
            {earlier === 'none' && beganAt === undefined && (
              <span
                className="netobserv-subtle"
                title={t('Nothing was recorded at the time to compare with, just before the time shown')}
              >
                {t('no earlier data')}
              </span>
            )}
            {change !== undefined && (
              <span className="netobserv-subtle" title={t('Change against the time before')}>
                {change === 'new' ? t('none before') : changeText(change)}
              </span>
            )}
            {isAlarming && (
              <span className="netobserv-danger netobserv-tile-note">
                <ExclamationCircleIcon aria-hidden /> {t('more than usual')}
              </span>
            )}
          </div>
          <Sparkline values={values} color={isAlarming ? '--netobserv-bad' : '--netobserv-bar'} />
          <div className="netobserv-subtle netobserv-ellipsis" title={error?.message}>
            {error
              ? error.message
              : values.every(each => each === null)
                ? value
                  ? t('No point over time yet')
                  : t('Nothing in this time range')
                : t('now {{now}}, peak {{peak}}', { now: isLatestKnown ? format(latest) : '–', peak: format(peak) })}
          </div>
        </>
      )}
    </section>
  );
};

const NO_POINTS = { times: [] };

const points = (query: TotalQuery): (number | null)[] => query.data?.series[0]?.values ?? [];

/** Of amounts, what is missing is none; of latencies, it is not known. */
const amount = (whole: WholeQuery, when: 'now' | 'before'): number | undefined =>
  whole.data && (totalOf(whole.data)?.[when] ?? 0);

const total = (type: string, fn: string) => ({ type, fn, by: 'app' });

interface Totals<T> {
  bytes: T;
  flows: T;
  packets: T;
}

interface Props {
  totals: Totals<TotalQuery>;
  wholes: Totals<WholeQuery>;
  /** The one that is recorded, and its 90th percentile over time. */
  latency?: Latency;
  slow: TotalQuery;
  earlier?: Earlier;
}

export const Tiles = ({ totals, wholes, latency, slow, earlier }: Props) => {
  const t = useText();
  const { hasFeature } = usePage();
  const { beganAt } = useFacts();
  const hasDrops = hasFeature('pktDrop');
  const dropSpec = hasDrops ? total('PktDropPackets', 'rate') : undefined;
  const drops = useMetric(dropSpec);
  const wholeDrops = useWhole(dropSpec);
  const wholeSlow = useWhole(latency && total(latency, 'p90'));
  const tile = (of: keyof Totals<TotalQuery>) => ({
    queries: [totals[of], wholes[of]],
    value: amount(wholes[of], 'now'),
    before: amount(wholes[of], 'before'),
    values: points(totals[of]),
    kind: t('average'),
    earlier,
    beganAt
  });
  const dropPoints = alignTo(totals.packets.data?.times ?? [], drops.data ?? NO_POINTS, points(drops));
  const dropped = (when: 'now' | 'before') => ratioOf(amount(wholeDrops, when), amount(wholes.packets, when));
  return (
    <div className="netobserv-tiles">
      <Tile
        {...tile('bytes')}
        id="throughput"
        name={t('Throughput')}
        hint={t('Bytes per second, average over the time range')}
        format={value => formatMetric(value, 'Bytes', 'rate')}
      />
      <Tile
        {...tile('flows')}
        id="flows"
        name={t('Flow records per second')}
        hint={t('A record is one direction of a connection, reported every few seconds')}
        format={value => formatSi(value)}
      />
      {hasDrops ? (
        <Tile
          id="drops"
          name={t('Dropped packets')}
          kind={t('share of all')}
          hint={t('Share of all packets that the kernel dropped')}
          queries={[drops, totals.packets, wholeDrops, wholes.packets]}
          value={dropped('now')}
          before={dropped('before')}
          earlier={earlier}
          values={dropRatio(dropPoints, points(totals.packets))}
          format={formatPercent}
          alarm={{ from: 0.01, times: 2 }}
        />
      ) : (
        <Tile
          {...tile('packets')}
          id="packets"
          name={t('Packets per second')}
          hint={t('Average over the time range')}
          format={value => formatSi(value)}
        />
      )}
      {latency && (
        <Tile
          id="latency"
          name={latency === 'TimeFlowRttNs' ? t('Round trip time') : t('DNS latency')}
          kind={t('90th percentile')}
          hint={t('Nine of ten measurements in the time range are below this')}
          queries={[slow, wholeSlow]}
          value={totalOf(wholeSlow.data)?.now}
          before={totalOf(wholeSlow.data)?.before}
          earlier={earlier}
          values={points(slow)}
          format={formatMs}
          alarm={{ from: 20, times: 2 }}
        />
      )}
    </div>
  );
};
