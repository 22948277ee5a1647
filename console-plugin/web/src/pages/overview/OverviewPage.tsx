//! The first view: what is going on, who talks to whom, and how well. Who: the frame, as a chunk of its own.
//! **Invariant:** panels ask for themselves, and one that fails leaves the others alone; what the agent does not record
//! has no panel but is named once at the end.
import { Busy } from '../../components/Busy';
import { mean } from '../../components/charts/stack';
import { PickMenu } from '../../components/PickMenu';
import { Slot } from '../../components/Slots';
import { ErrorView, NothingFound, RefreshFailed } from '../../components/StateViews';
import { Summary } from '../../components/Summary';
import type { Losses } from '../../api/types';
import { useMetric } from '../../hooks/use-metrics';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { formatBytes, formatCount, formatMetric } from '../../model/format';
import { scopeById } from '../../model/series';
import { secondsOf } from '../../model/time';
import { TOPS } from '../../model/url-state';
import { DnsPanels } from './DnsPanels';
import { DropPanels } from './DropPanels';
import { FeaturesOff } from './FeaturesOff';
import { FieldPanels } from './FieldPanels';
import './overview.css';
import { RoundTripPanels } from './RoundTripPanels';
import { Tiles, type TotalQuery } from './Tiles';
import { TrafficPanels } from './TrafficPanels';

const average = (query: TotalQuery): number => mean(query.data?.series[0]?.values ?? []);

const OverviewPage = ({ losses }: { losses?: Losses }) => {
  const t = useText();
  const { config, state, top, change, hasFeature } = usePage();
  const bytes = useMetric({ type: 'Bytes', fn: 'rate', by: 'app' });
  const packets = useMetric({ type: 'Packets', fn: 'rate', by: 'app' });
  const flows = useMetric({ type: 'Flows', fn: 'rate', by: 'app' });
  const type = state.metricType === 'Packets' ? 'Packets' : 'Bytes';
  const total = type === 'Packets' ? packets : bytes;
  const scopeName = (scopeById(config.scopes, state.scope)?.name ?? state.scope).toLowerCase();
  const seconds = secondsOf(state.range);
  const isNothing = flows.data && !flows.data.series.length && !bytes.data?.series.length;
  return (
    <div className="netobserv-main">
      <Busy isBusy={bytes.isLoading && !!(bytes.data ?? bytes.error)} onCancel={bytes.cancel} />
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
            <Tiles bytes={bytes} flows={flows} packets={packets} />
            <TrafficPanels type={type} total={total} scopeName={scopeName} />
            <FieldPanels type={type} total={total} />
            {hasFeature('dnsTracking') && <DnsPanels />}
            {hasFeature('flowRTT') && <RoundTripPanels scopeName={scopeName} />}
            {hasFeature('pktDrop') && <DropPanels />}
            <FeaturesOff />
          </div>
        </div>
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
            bytes.data && packets.data && flows.data
              ? [
                  {
                    text: t('{{count}} flows', {
                      count: Math.round(average(flows) * seconds),
                      shown: formatCount(average(flows) * seconds)
                    })
                  },
                  { text: formatBytes(average(bytes) * seconds) },
                  {
                    text: t('{{count}} packets', {
                      count: Math.round(average(packets) * seconds),
                      shown: formatCount(average(packets) * seconds)
                    })
                  },
                  { text: formatMetric(average(bytes), 'Bytes', 'rate'), title: t('Average over the time range') }
                ]
              : []
          }
          losses={losses}
          loadedAt={bytes.loadedAt}
          tookMs={bytes.tookMs}
        />
      </Slot>
    </div>
  );
};

export default OverviewPage;
