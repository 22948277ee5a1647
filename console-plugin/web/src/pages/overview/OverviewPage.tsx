//! The first view: what is going on, who talks to whom, and how well. Who: the frame, as a chunk of its own.
//! **Invariant:** panels ask for themselves, and one that fails leaves the others alone; what the agent does not record
//! has no panel but is named once at the end.
import { useCallback, useMemo, useState } from 'react';
import { Busy } from '../../components/Busy';
import type { Point } from '../../components/charts/NameButton';
import { ContextMenu } from '../../components/ContextMenu';
import { PickMenu } from '../../components/PickMenu';
import { Slot } from '../../components/Slots';
import { ErrorView, NothingFound, RefreshFailed } from '../../components/StateViews';
import { Summary } from '../../components/Summary';
import { useMetric } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { useEarlier, useWhole } from '../../hooks/use-whole';
import { formatBytes, formatCount, formatMetric } from '../../model/format';
import { totalOf } from '../../model/whole';
import { TOPS } from '../../model/url-state';
import { DnsPanels } from './DnsPanels';
import { DropPanels } from './DropPanels';
import { FeaturesOff } from './FeaturesOff';
import { FieldPanels } from './FieldPanels';
import type { Latency } from './LatencyChart';
import './overview.css';
import { RoundTripPanels } from './RoundTripPanels';
import type { Subject } from './subject';
import { SubjectPanel } from './SubjectPanel';
import { Tiles, type WholeQuery } from './Tiles';
import { TrafficPanels } from './TrafficPanels';
import { NamesContext, useSubjectActions } from './use-names';

const BYTES = { type: 'Bytes', fn: 'rate', by: 'app' };
const PACKETS = { ...BYTES, type: 'Packets' };
const FLOWS = { ...BYTES, type: 'Flows' };
/** Over time, in a tile and in the panel of its kind. */
const SLOW = { fn: 'p90', by: 'app' };

/** Per second, over the whole range. */
const average = (whole: WholeQuery): number => totalOf(whole.data)?.now ?? 0;

/** In the whole range. */
const amount = (whole: WholeQuery): number => average(whole) * (whole.data?.seconds ?? 0);

const OverviewPage = () => {
  const t = useText();
  const { config, state, top, change, hasFeature } = usePage();
  const totals = { bytes: useMetric(BYTES), packets: useMetric(PACKETS), flows: useMetric(FLOWS) };
  const wholes = { bytes: useWhole(BYTES), packets: useWhole(PACKETS), flows: useWhole(FLOWS) };
  const { bytes, packets, flows } = totals;
  const earlier = useEarlier();
  const latency: Latency | undefined = hasFeature('flowRTT')
    ? 'TimeFlowRttNs'
    : hasFeature('dnsTracking')
      ? 'DnsLatencyMs'
      : undefined;
  const slow = useMetric(latency && { ...SLOW, type: latency });
  const slowOf = (type: Latency) => (type === latency ? slow : undefined);
  const type = state.metricType === 'Packets' ? 'Packets' : 'Bytes';
  const byMeasure = {
    Bytes: { overTime: bytes, whole: average(wholes.bytes) },
    Packets: { overTime: packets, whole: average(wholes.packets) }
  };
  const actionsOf = useSubjectActions();
  // Peers are those of a scope: they mean nothing in another one.
  const [selected, setSelected] = useState<{ subject: Subject; scope: string }>();
  const [menu, setMenu] = useState<{ subject: Subject; at: Point }>();
  const names = useMemo(
    () => ({
      open: (subject: Subject) => setSelected({ subject, scope: state.scope }),
      openMenu: (subject: Subject, at: Point) => setMenu({ subject, at })
    }),
    [state.scope]
  );
  const close = useCallback(() => setSelected(undefined), []);
  const closeMenu = useCallback(() => setMenu(undefined), []);
  const subject = selected?.scope === state.scope ? selected.subject : undefined;
  // The whole range has numbers before there is a point over time.
  const hasPoints = !!flows.data?.series.length || !!bytes.data?.series.length;
  const isNothing = flows.data && wholes.flows.data && !hasPoints && !average(wholes.flows);
  return (
    <NamesContext.Provider value={names}>
      <div className="netobserv-split">
        <div className="netobserv-main">
          <Busy />
          {bytes.error && bytes.data && <RefreshFailed error={bytes.error} loadedAt={bytes.loadedAt} />}
          {bytes.error && !bytes.data ? (
            <ErrorView error={bytes.error} />
          ) : isNothing ? (
            <NothingFound />
          ) : (
            <div
              className="netobserv-overview"
              data-test="overview-view"
              tabIndex={0}
              role="region"
              aria-label={t('Overview')}
            >
              <div className="netobserv-panels">
                <Tiles totals={totals} wholes={wholes} latency={latency} slow={slow} earlier={earlier} />
                <TrafficPanels type={type} totals={byMeasure} earlier={earlier} />
                <FieldPanels type={type} totals={byMeasure} />
                {hasFeature('dnsTracking') && <DnsPanels slow={slowOf('DnsLatencyMs')} />}
                {hasFeature('flowRTT') && <RoundTripPanels slow={slowOf('TimeFlowRttNs')} />}
                {hasFeature('pktDrop') && <DropPanels />}
                <FeaturesOff />
              </div>
            </div>
          )}
        </div>
        {subject && !isNothing && (
          <SubjectPanel
            key={`${subject.id} ${type}`}
            subject={subject}
            type={type}
            earlier={earlier}
            onOpen={names.open}
            onClose={close}
          />
        )}
        {menu && (
          <ContextMenu
            name={t('Actions on {{value}}', { value: menu.subject.name })}
            at={menu.at}
            actions={actionsOf(menu.subject)}
            onClose={closeMenu}
          />
        )}
        <Slot name="options">
          <PickMenu
            name={t('Measure')}
            id="metricType-dropdown"
            isPlain
            value={type}
            options={[
              { value: 'Bytes', label: t('Bytes') },
              { value: 'Packets', label: t('Packets') }
            ]}
            onPick={metricType => change({ metricType })}
          />
          <PickMenu
            name={t('Names are')}
            id="scope-dropdown"
            isPlain
            value={state.scope}
            options={config.scopes.map(({ id, name, description }) => ({ value: id, label: name, description }))}
            onPick={scope => change({ scope })}
          />
          <PickMenu
            name={t('Names shown')}
            isPlain
            value={top}
            options={TOPS.map(value => ({ value, label: t('Top {{top}}', { top: value }) }))}
            onPick={limit => change({ limit })}
          />
        </Slot>
        <Slot name="summary">
          <Summary
            items={
              // What has no numbers yet is not nothing.
              !isNothing && wholes.bytes.data && wholes.packets.data && wholes.flows.data
                ? [
                    {
                      text: t('{{count}} flows', {
                        count: Math.round(amount(wholes.flows)),
                        shown: formatCount(amount(wholes.flows))
                      })
                    },
                    { text: formatBytes(amount(wholes.bytes)) },
                    {
                      text: t('{{count}} packets', {
                        count: Math.round(amount(wholes.packets)),
                        shown: formatCount(amount(wholes.packets))
                      })
                    },
                    {
                      text: formatMetric(average(wholes.bytes), 'Bytes', 'rate'),
                      title: t('Average over the time range')
                    }
                  ]
                : []
            }
            loadedAt={bytes.loadedAt}
            tookMs={bytes.tookMs}
          />
        </Slot>
      </div>
    </NamesContext.Provider>
  );
};

export default OverviewPage;
