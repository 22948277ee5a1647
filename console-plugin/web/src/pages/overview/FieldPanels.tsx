//! Traffic by service port, interface and protocol: what a host knows of its traffic beyond addresses.
//! Who: `OverviewPage`. **Invariant:** each name opens its details; amounts are averages over the range, as in the panels above.
import { BarList } from '../../components/charts/BarList';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { usePage } from '../../hooks/use-page';
import type { QueryState } from '../../hooks/use-query';
import { useText } from '../../hooks/use-text';
import { useWhole } from '../../hooks/use-whole';
import { formatMetric } from '../../model/format';
import { GONE } from '../../model/interface-names';
import { protocolName } from '../../model/reference';
import { sumsOf, type FieldSum } from './fields';
import type { Measure, Total } from './TrafficPanels';
import { INTERFACES_ASKED, useInterfaces } from './use-interfaces';
import { useNames } from './use-names';
import { useServicePorts } from './use-service-ports';

interface Props {
  type: Measure;
  totals: Record<Measure, Total>;
}

const ASKED = 200;
const SHOWN = 6;
const HEIGHT = 196;

export const FieldPanels = ({ type, totals }: Props) => {
  const t = useText();
  const { config, fields, ports } = usePage();
  const names = useNames();
  const has = (field: string) => config.fields.some(each => each.name === field);
  const by = (field: string) => (has(field) ? { type, fn: 'rate', by: field, limit: ASKED } : undefined);
  const servicePorts = useServicePorts(has('DstPort') ? { type, fn: 'rate', limit: ASKED } : undefined);
  // Without the filter there would be no way to ask for one interface, nor to look at its flows.
  const hasInterfaces = has('Interfaces') && fields.filterOf('Interfaces') !== undefined;
  const interfaces = useInterfaces(hasInterfaces ? { type, fn: 'rate' } : undefined);
  const protocols = useWhole(by('Proto'));

  const panel = (
    field: string,
    title: string,
    note: string,
    sums: FieldSum[],
    { data, error, isStale }: QueryState<{ spec: { type: string } }>,
    nameOf: (value: string) => string
  ) => {
    // What is shown may still answer the question before.
    const shown = (data?.spec.type ?? type) as Measure;
    const total = totals[shown].whole;
    return (
      <ChartPanel
        key={field}
        id={`by_${field}`}
        className="netobserv-third"
        title={title}
        note={note}
        height={HEIGHT}
        isLoading={!data && !error}
        isEmpty={!sums.length}
        error={error}
        isStale={isStale}
      >
        <BarList
          name={title}
          bars={sums.slice(0, SHOWN).map(({ value, amount }) => ({
            id: value,
            name: nameOf(value),
            value: amount,
            text: formatMetric(amount, shown, 'rate'),
            share: total > 0 ? Math.min(1, amount / total) : undefined,
            color: '--netobserv-bar',
            ...names.ofValue(field, value, nameOf(value), title)
          }))}
        />
      </ChartPanel>
    );
  };
  return (
    <>
      {has('DstPort') &&
        panel(
          'DstPort',
          t('Service ports'),
          t('to and from the port'),
          servicePorts.data?.sums ?? [],
          servicePorts,
          port => ports.label(Number(port))
        )}
      {hasInterfaces &&
        panel(
          'Interfaces',
          t('Interfaces'),
          interfaces.data?.isCut
            ? t('a flow counts at each it passed; of the {{number}} with the most flows', { number: INTERFACES_ASKED })
            : t('a flow counts at each it passed'),
          interfaces.data?.sums ?? [],
          interfaces,
          name => (name === GONE ? t('Interfaces that are gone') : name)
        )}
      {has('Proto') &&
        panel('Proto', t('Protocols'), '', sumsOf(protocols.data, 'Proto'), protocols, number =>
          protocolName(Number(number))
        )}
    </>
  );
};
