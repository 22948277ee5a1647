//! What is known of a name in the overview: how much, how well, with whom, and what to do next. Who: `OverviewPage`.
//! **Invariant:** numbers are of the page's filters and range, narrowed to the subject; a part that fails leaves the rest.
import { Skeleton } from '@patternfly/react-core';
import { ActionButtons } from '../../components/ActionButtons';
import { BarList, changeText } from '../../components/charts/BarList';
import { Legend } from '../../components/charts/Legend';
import { alignTo, changeOf } from '../../components/charts/stack';
import { TimeChart, type ChartSeries } from '../../components/charts/TimeChart';
import { SidePanel } from '../../components/SidePanel';
import { labelsOf, unknownName, useMetric, type MetricSpec } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { isComparable, useWhole, type Earlier } from '../../hooks/use-whole';
import type { Filter } from '../../model/filters';
import { formatMetric, formatMs } from '../../model/format';
import { named, scopeById, type Peer } from '../../model/series';
import { totalOf } from '../../model/whole';
import { membersOf, pairSubject, peerSubject, waysOf, type Subject } from './subject';
import { useNames, useSubjectActions } from './use-names';

interface Props {
  subject: Subject;
  type: 'Bytes' | 'Packets';
  /** Whether the time before was recorded. */
  earlier?: Earlier;
  onOpen: (subject: Subject) => void;
  onClose: () => void;
}

const CHART_HEIGHT = 170;
const MEMBERS_ASKED = 50;
const MEMBERS_SHOWN = 10;
const COLORS = ['--netobserv-bar', '--netobserv-series-2'];

export const SubjectPanel = ({ subject, type, earlier, onOpen, onClose }: Props) => {
  const t = useText();
  const page = usePage();
  const { config, state, hasFeature } = page;
  const actionsOf = useSubjectActions();
  const names = useNames();
  const scope = scopeById(config.scopes, state.scope)!;
  const [there, back] = waysOf(page, scope, subject);
  const of = (extra: Filter[] | undefined, spec: Omit<MetricSpec, 'extra'> | undefined): MetricSpec | undefined =>
    extra && spec && { ...spec, extra };

  const rate = { type, fn: 'rate', by: 'app' };
  const delay = hasFeature('flowRTT') ? { type: 'TimeFlowRttNs', fn: 'p90', by: 'app' } : undefined;
  const series = [useMetric(of(there, rate)), useMetric(of(back, rate))];
  const totals = [useWhole(of(there, rate)), useWhole(of(back, rate))];
  const delays = [useWhole(of(there, delay)), useWhole(of(back, delay))];
  const labels = labelsOf(config, state.scope);
  const unknown = unknownName(labels, t);
  const members = useWhole(
    of(membersOf(page, scope, subject), { type, fn: 'rate', by: state.scope, limit: MEMBERS_ASKED })
  );

  const format = (value: number) => formatMetric(value, type, 'rate');
  const nameOf = (peer: Peer) => peer.name || unknown;
  const wayNames =
    subject.kind === 'pair'
      ? [subject.name, `${nameOf(subject.target)} → ${nameOf(subject.source)}`]
      : subject.kind === 'peer'
        ? [t('Sent'), t('Received')]
        : [type === 'Packets' ? t('Packets') : t('Traffic')];
  const slowest = delays.reduce<number | undefined>((worst, each) => {
    const value = totalOf(each.data)?.now;
    return value === undefined ? worst : Math.max(worst ?? 0, value);
  }, undefined);
  const error = [...series, ...totals, members].find(each => each.error)?.error;
  const isLoading = !error && totals.slice(0, wayNames.length).some(each => !each.data);

  const grid = series.find(each => each.data?.times.length)?.data;
  const lines = wayNames.map((name, index): ChartSeries => {
    const data = series[index]?.data;
    const [line] = data?.series ?? [];
    const values = grid && data && line ? alignTo(grid.times, data, line.values) : (grid?.times.map(() => 0) ?? []);
    return { id: name, name, color: COLORS[index]!, values };
  });
  const pairs = [...(members.data?.values.values() ?? [])]
    .filter(({ now = 0 }) => now > 0)
    .sort((a, b) => b.now! - a.now!);
  const ends = subject.kind === 'pair' ? [subject.source, subject.target] : [];
  const endActions = (subject.kind === 'pair' && subject.source.id === subject.target.id ? ends.slice(1) : ends).map(
    peer => ({ id: peer.id, text: nameOf(peer), act: () => onOpen(peerSubject(peer, unknown)) })
  );

  return (
    <SidePanel
      title={subject.name}
      subtitle={
        subject.kind === 'value'
          ? subject.what
          : [scope.name, subject.kind === 'peer' ? subject.peer.detail : undefined].filter(Boolean).join(' · ')
      }
      onClose={onClose}
    >
      <ActionButtons actions={[...actionsOf(subject), ...endActions]} />
      {error && (
        <p className="netobserv-error-text" role="alert">
          {error.message}
        </p>
      )}
      {isLoading ? (
        <Skeleton height="4rem" screenreaderText={t('Loading')} />
      ) : (
        <dl>
          {wayNames.map((name, index) => {
            const { now = 0, before = 0 } = totalOf(totals[index]?.data) ?? {};
            const change = isComparable(earlier) ? changeOf(now, before) : undefined;
            return (
              <Fact key={name} name={name} value={format(now)}>
                {change === undefined ? '' : change === 'new' ? t('none before') : changeText(change)}
              </Fact>
            );
          })}
          {slowest !== undefined && <Fact name={t('Round trip, p90')} value={formatMs(slowest)} />}
        </dl>
      )}
      <h3 className="netobserv-panel-heading">{t('Over time')}</h3>
      {grid ? (
        <>
          <TimeChart name={t('Over time')} times={grid.times} series={lines} format={format} height={CHART_HEIGHT} />
          {lines.length > 1 && <Legend name={t('Names in the chart')} items={lines} />}
        </>
      ) : (
        <p className="netobserv-subtle">{isLoading ? t('Loading') : t('Nothing in this time range')}</p>
      )}
      {pairs.length > 0 && (
        <>
          <h3 className="netobserv-panel-heading">{t('Who talks to whom')}</h3>
          <BarList
            name={t('Who talks to whom')}
            bars={pairs.slice(0, MEMBERS_SHOWN).map(({ metric, now = 0 }) => {
              const pair = named(metric, labels, unknown);
              return {
                id: pair.id,
                name: pair.name,
                value: now,
                text: format(now),
                color: COLORS[0]!,
                ...names.ofSubject(pairSubject(pair))
              };
            })}
          />
        </>
      )}
    </SidePanel>
  );
};

const Fact = ({ name, value, children }: { name: string; value: string; children?: React.ReactNode }) => (
  <div className="netobserv-field">
    <dt>{name}</dt>
    <dd>
      {value} <span className="netobserv-subtle">{children}</span>
    </dd>
  </div>
);
