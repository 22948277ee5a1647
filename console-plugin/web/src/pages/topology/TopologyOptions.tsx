//! What the topology shows (metric, statistic, scope, groups, limit), and its line at the bottom. Who: `TopologyPage`.
//! **Invariant:** every choice is a change of the page's state, so that a link carries it.
import { Button } from '@patternfly/react-core';
import { CompressIcon, ExpandArrowsAltIcon } from '@patternfly/react-icons';
import { PickMenu } from '../../components/PickMenu';
import { Slot } from '../../components/Slots';
import { Summary } from '../../components/Summary';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { formatCount } from '../../model/format';
import { sentence } from '../../model/sentence';
import { EDGE_LIMITS, type Topology } from './use-topology';

/** What it means for latest values that nothing is known of the time since. */
export const LATEST_HINT = sentence('The latest values are of the last time of which anything is known.');

export const TopologyOptions = ({ topology, onChange }: { topology: Topology; onChange: () => void }) => {
  const t = useText();
  const { config, state, change, hasFeature } = usePage();
  const { functions, fn, types, group, limit, picture, toggleAll } = topology;
  const metrics = [
    { value: 'Bytes', label: t('Bytes') },
    { value: 'Packets', label: t('Packets') },
    ...(hasFeature('pktDrop')
      ? [
          { value: 'PktDropBytes', label: t('Dropped bytes') },
          { value: 'PktDropPackets', label: t('Dropped packets') }
        ]
      : []),
    ...(hasFeature('flowRTT') ? [{ value: 'TimeFlowRttNs', label: t('Round trip time') }] : []),
    ...(hasFeature('dnsTracking') ? [{ value: 'DnsLatencyMs', label: t('DNS latency') }] : [])
  ];
  const functionNames: Record<string, string> = {
    avg: t('Average'),
    last: t('Latest'),
    max: t('Maximum'),
    min: t('Minimum'),
    sum: t('Total'),
    p90: t('90th percentile'),
    p99: t('99th percentile')
  };
  const groupName = (type: string) =>
    type
      .split('+')
      .map(part => (config.scopes.find(scope => `${scope.id}s` === part)?.name ?? part).toLowerCase())
      .join(', ');
  const hasOpen = picture?.graph.groups.some(each => !each.isClosed && each.size > 1) ?? false;
  return (
    <Slot name="options">
      <PickMenu
        name={t('Metric')}
        id="metricType-dropdown"
        isPlain
        value={state.metricType}
        options={metrics}
        onPick={metricType => change({ metricType })}
      />
      <PickMenu
        name={t('Statistic')}
        id="metricFunction-dropdown"
        isPlain
        value={fn}
        options={functions.map(value => ({ value, label: functionNames[value] ?? value }))}
        onPick={metricFunction => change({ metricFunction })}
      />
      <PickMenu
        name={t('Nodes are')}
        id="scope-dropdown"
        isPlain
        value={state.scope}
        options={config.scopes.map(({ id, name, description }) => ({ value: id, label: name, description }))}
        onPick={scope => {
          onChange();
          change({ scope });
        }}
      />
      {types.length > 0 && (
        <PickMenu
          name={t('Groups')}
          id="group-dropdown"
          isPlain
          value={group ?? 'none'}
          options={[
            ...types.map(type => ({ value: type, label: t('Grouped by {{group}}', { group: groupName(type) }) })),
            { value: 'none', label: t('Not grouped') }
          ]}
          onPick={picked => {
            onChange();
            change({ group: picked });
          }}
        />
      )}
      <PickMenu
        name={t('Connections at most')}
        isPlain
        value={limit}
        options={EDGE_LIMITS.map(value => ({ value, label: t('Top {{top}}', { top: formatCount(value) }) }))}
        onPick={picked => change({ limit: picked })}
      />
      {group && (
        <Button
          variant="plain"
          id="group-collapsed-switch"
          icon={hasOpen ? <CompressIcon /> : <ExpandArrowsAltIcon />}
          aria-label={hasOpen ? t('Close all groups') : t('Open all groups')}
          title={hasOpen ? t('Close all groups') : t('Open all groups')}
          onClick={() => {
            onChange();
            toggleAll(!hasOpen);
          }}
        />
      )}
    </Slot>
  );
};

export const TopologySummary = ({ topology }: { topology: Topology }) => {
  const t = useText();
  const { picture, traffic, limit } = topology;
  const graph = picture?.graph;
  const problems = graph?.edges.filter(edge => edge.problems.length).length ?? 0;
  // What has no numbers yet is not nothing.
  const items = graph?.nodes.length
    ? [
        { text: t('{{count}} nodes', { count: graph.nodes.length, shown: formatCount(graph.nodes.length) }) },
        { text: t('{{count}} connections', { count: graph.edges.length, shown: formatCount(graph.edges.length) }) },
        ...(picture?.unknownSince
          ? [
              {
                text: t('No data since {{time}}', { time: picture.unknownSince }),
                title: t(LATEST_HINT),
                isWarning: true
              }
            ]
          : []),
        ...(problems
          ? [
              {
                text: t('{{count}} with a problem', { count: problems, shown: formatCount(problems) }),
                isWarning: true
              }
            ]
          : []),
        ...(graph.hidden
          ? [
              {
                text: t('{{count}} nodes in “Others”', { count: graph.hidden, shown: formatCount(graph.hidden) }),
                isWarning: true
              }
            ]
          : []),
        ...(traffic.data?.isLimitReached
          ? [
              {
                text: t('Limit reached: the busiest {{shown}} pairs only', { shown: formatCount(limit) }),
                isWarning: true
              }
            ]
          : [])
      ]
    : [];
  return (
    <Slot name="summary">
      <Summary items={items} loadedAt={traffic.loadedAt} tookMs={traffic.tookMs} />
    </Slot>
  );
};
