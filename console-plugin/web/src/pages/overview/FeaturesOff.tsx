//! What could be shown here but is switched off, said once, with the switch. Who: `OverviewPage`.
//! **Invariant:** advises only what the configuration has columns for: what its agent cannot record it leaves out.
//! Names the agent's variable and the operator's feature, as both are written in their configuration.
import { InfoCircleIcon } from '@patternfly/react-icons';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';

export const FeaturesOff = () => {
  const t = useText();
  const { config, hasFeature } = usePage();
  const offered = new Set(config.columns.map(column => column.feature));
  const features = [
    { id: 'pktDrop', name: t('Dropped packets and their causes'), variable: 'ENABLE_PKT_DROPS', feature: 'PacketDrop' },
    {
      id: 'dnsTracking',
      name: t('DNS latency, response codes and names'),
      variable: 'ENABLE_DNS_TRACKING',
      feature: 'DNSTracking'
    },
    { id: 'flowRTT', name: t('Round trip times'), variable: 'ENABLE_RTT', feature: 'FlowRTT' }
  ].filter(({ id }) => offered.has(id) && !hasFeature(id));
  if (!features.length) {
    return null;
  }
  return (
    <aside className="netobserv-features-off" aria-label={t('Switched off')}>
      <InfoCircleIcon aria-hidden />
      <div>
        {t('More can be shown here once the agent records it:')}
        <ul>
          {features.map(({ id, name, variable, feature }) => (
            <li key={id}>
              {name}: <code>{variable}=true</code> {t('in the environment of the agent, or')} <code>{feature}</code>{' '}
              {t('in the list of agent features of the FlowCollector')}
            </li>
          ))}
        </ul>
      </div>
    </aside>
  );
};
