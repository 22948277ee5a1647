//! Traffic by service port, interface and protocol: what a host knows of its traffic beyond addresses.
//! Who: `OverviewPage`. **Invariant:** each name opens its details; amounts are averages over the range, as in the panels above.
import { BarList } from '../../components/charts/BarList';
import { ChartPanel } from '../../components/charts/ChartPanel';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { useWhole } from '../../hooks/use-whole';
import { formatMetric } from '../../model/format';
import { GONE } from '../../model/interface-names';
import { protocolName } from '../../model/reference';
import { servicePorts, sumsOf, type FieldSum } from './fields';
import { useNames } from './use-names';

interface Props {
  type: 'Bytes' | 'Packets';
  /** Over the whole range. */
  total: number;
}

const ASKED = 200;
const SHOWN = 6;
const HEIGHT = 196;

export const FieldPanels = ({ type, total }: Props) => {
  const t = useText();
  const { config, ports } = usePage();
  const names = useNames();
  const has = (field: string) => config.fields.some(each => each.name === field);
  const by = (field: string) => (has(field) ? { type, fn: 'rate', by: field, limit: ASKED } : undefined);
  const sourcePorts = useWhole(by('SrcPort'));
  const targetPorts = useWhole(by('DstPort'));
  const interfaces = useWhole(by('Interfaces'));
  const protocols = useWhole(by('Proto'));

  const panel = (
    field: string,
    title: string,
    note: string,
    sums: FieldSum[],
    queries: { data?: unknown; error?: Error }[],
    nameOf: (value: string) => string
  ) => (
    <ChartPanel
      key={field}
      id={`by_${field}`}
      className="netobserv-third"
      title={title}
      note={note}
      height={HEIGHT}
      isLoading={queries.some(each => !each.data && !each.error)}
      isEmpty={!sums.length}
      error={queries.find(each => each.error)?.error}
    >
      <BarList
        name={title}
        bars={sums.slice(0, SHOWN).map(({ value, amount }) => ({
          id: value,
          name: nameOf(value),
          value: amount,
          text: formatMetric(amount, type, 'rate'),
          share: total > 0 ? Math.min(1, amount / total) : undefined,
          color: '--netobserv-bar',
          ...names.ofValue(field, value, nameOf(value), title)
        }))}
      />
    </ChartPanel>
  );
  const isNamed = (port: number) => ports.name(port) !== undefined;
  return (
    <>
      {has('DstPort') &&
        panel(
          'DstPort',
          t('Service ports'),
          t('to and from the port'),
          servicePorts(sourcePorts.data, targetPorts.data, isNamed),
          [sourcePorts, targetPorts],
          port => ports.label(Number(port))
        )}
      {has('Interfaces') &&
        panel(
          'Interfaces',
          t('Interfaces'),
          t('where it was counted'),
          sumsOf(interfaces.data, 'Interfaces'),
          [interfaces],
          name => (name === GONE ? t('Interfaces that are gone') : name)
        )}
      {has('Proto') &&
        panel('Proto', t('Protocols'), '', sumsOf(protocols.data, 'Proto'), [protocols], number =>
          protocolName(Number(number))
        )}
    </>
  );
};
