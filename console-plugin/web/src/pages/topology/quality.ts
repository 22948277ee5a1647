//! What makes a connection a bad one: drops, a slow round trip, DNS errors. Who: `graph`.
//! **Invariant:** pure; whatever metric is shown, the same connections are marked; latencies are those of the whole range.
import type { Series, SeriesSet } from '../../model/series';

/** Translation keys. */
export type EdgeProblem = 'Packets are dropped' | 'Slow round trip' | 'DNS errors';

export interface QualitySets {
  drops?: SeriesSet;
  rtt?: SeriesSet;
  dnsErrors?: SeriesSet;
  dnsFlows?: SeriesSet;
  dnsLatency?: SeriesSet;
}

/** Of the peers behind both ends of an edge, in either direction. */
export interface Quality {
  dropsPerSecond: number;
  dnsErrors: number;
  dnsFlows: number;
  rttMs?: number;
  dnsMs?: number;
  rtt: Series[];
}

const SLOW_MS_MIN = 100;
const SLOW_FACTOR = 5;
// A name that does not exist is asked for now and then everywhere; many of them are a fault.
const DNS_ERRORS_MIN = 3;
const DNS_ERRORS_SHARE = 0.15;

/** Slow is what is far above the others, and slow for people too. */
export const slowLimit = (values: number[]): number => {
  const sorted = values.filter(value => value > 0).sort((a, b) => a - b);
  return Math.max(SLOW_MS_MIN, (sorted[Math.floor(sorted.length / 2)] ?? 0) * SLOW_FACTOR);
};

const pairKey = (series: Series): string => JSON.stringify([series.source?.id, series.target?.id]);

const byPair = (set: SeriesSet | undefined): Map<string, Series> =>
  new Map(set?.series.map(series => [pairKey(series), series]));

const sumOf = (series: Series | undefined): number =>
  series?.values.reduce<number>((sum, value) => sum + (value ?? 0), 0) ?? 0;

const worse = (a: number | undefined, b: number | undefined): number | undefined =>
  b === undefined ? a : Math.max(a ?? 0, b);

export const qualityOf = (sets: QualitySets) => {
  const [drops, rtt, dnsLatency] = [byPair(sets.drops), byPair(sets.rtt), byPair(sets.dnsLatency)];
  const [dnsErrors, dnsFlows] = [byPair(sets.dnsErrors), byPair(sets.dnsFlows)];
  const slowFromMs = slowLimit([...rtt.values()].flatMap(series => series.whole ?? []));
  return {
    none: (): Quality => ({ dropsPerSecond: 0, dnsErrors: 0, dnsFlows: 0, rtt: [] }),
    add: (quality: Quality, series: Series) => {
      const key = pairKey(series);
      quality.dropsPerSecond += drops.get(key)?.stats.avg ?? 0;
      quality.dnsErrors += sumOf(dnsErrors.get(key));
      quality.dnsFlows += sumOf(dnsFlows.get(key));
      quality.rttMs = worse(quality.rttMs, rtt.get(key)?.whole);
      quality.dnsMs = worse(quality.dnsMs, dnsLatency.get(key)?.whole);
      const found = rtt.get(key);
      if (found) {
        quality.rtt.push(found);
      }
    },
    problems: (quality: Quality): EdgeProblem[] => [
      ...(quality.dropsPerSecond > 0 ? ['Packets are dropped' as const] : []),
      ...((quality.rttMs ?? 0) >= slowFromMs ? ['Slow round trip' as const] : []),
      ...(quality.dnsErrors >= Math.max(DNS_ERRORS_MIN, quality.dnsFlows * DNS_ERRORS_SHARE)
        ? ['DNS errors' as const]
        : [])
    ]
  };
};
