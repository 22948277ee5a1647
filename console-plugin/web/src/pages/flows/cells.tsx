//! How a value of each column looks. Who: the flow table and the side panel.
//! **Invariant:** plain elements only (a PatternFly cell would make thousands of tab stops); text says everything that
//! a colour says.
import type { ColumnConfig } from '../../api/types';
import { columnValue, fieldOf, type KubeObject } from '../../model/columns';
import { list, number, text, type Flow } from '../../model/flow';
import { formatAgo, formatBytes, formatCount, formatDateTime, formatMs } from '../../model/format';
import { shownInterfaces } from '../../model/interface-names';
import {
  directionName,
  dscpName,
  etherTypeName,
  icmpTypeName,
  protocolName,
  type PortNames
} from '../../model/reference';

export interface CellContext {
  columns: ColumnConfig[];
  ports: PortNames;
  nowMs: number;
  /** "8s ago" in the reader's language. */
  ago: (duration: string) => string;
  /** The largest Bytes among the rows, for the bar in the cell. */
  maxBytes: number;
  isCompact: boolean;
}

const KIND_LETTERS: Record<string, string> = {
  Pod: 'P',
  Service: 'S',
  Node: 'N',
  Deployment: 'D',
  StatefulSet: 'SS',
  DaemonSet: 'DS',
  Namespace: 'NS',
  Job: 'J',
  CronJob: 'CJ',
  Gateway: 'G'
};

const INTERFACE_COLUMNS = new Set(['Interfaces', 'FlowDirInts', 'IfDirections']);

const missing = <span className="netobserv-missing">–</span>;

const TwoLines = ({ first, second, isCompact }: { first: React.ReactNode; second?: string; isCompact: boolean }) =>
  isCompact || !second ? (
    <>{first}</>
  ) : (
    <>
      <div className="netobserv-ellipsis">{first}</div>
      <div className="netobserv-ellipsis netobserv-subtle">{second}</div>
    </>
  );

export const flagWords = (flow: Flow): string => list(flow, 'Flags').map(String).join(', ').replaceAll('_', '-');

const interfaceWords = (flow: Flow): string => {
  const directions = list(flow, 'IfDirections');
  return shownInterfaces(flow)
    .map((name, index) => (directions[index] === undefined ? name : `${name} ${arrow(directions[index])}`))
    .join(', ');
};

const arrow = (direction: unknown): string => (direction === 0 ? 'in' : direction === 1 ? 'out' : '');

const duration = (ms: number): string => (ms < 1 ? '< 1 ms' : formatMs(ms));

/** The same value as plain text: for the panel, the copy action and titles. */
export const plainValue = (column: ColumnConfig, flow: Flow, columns: ColumnConfig[], ports: PortNames): string => {
  const field = fieldOf(column);
  const value = columnValue(column, flow, columns);
  if (value === undefined || value === '') {
    return '';
  }
  if (column.id === 'TCPFlags') {
    return flagWords(flow);
  }
  if (column.id === 'FlowDirInts') {
    return interfaceWords(flow);
  }
  if (field === 'Interfaces') {
    return shownInterfaces(flow).join(', ');
  }
  if (typeof value === 'number') {
    return numberText(column.id, field, value, flow, ports);
  }
  if (Array.isArray(value)) {
    return field === 'IfDirections'
      ? value.map(each => directionName(Number(each))).join(', ')
      : value
          .filter(each => each !== undefined && each !== '')
          .map(objectText)
          .join(', ');
  }
  return objectText(value);
};

const objectText = (value: unknown): string => {
  if (value && typeof value === 'object') {
    const { namespace, name } = value as KubeObject;
    return namespace ? `${namespace}/${name}` : name;
  }
  return String(value);
};

const numberText = (id: string, field: string, value: number, flow: Flow, ports: PortNames): string => {
  if (/^Time.*Ms$/.test(field)) {
    return formatDateTime(value);
  }
  if (id === 'CollectionTime') {
    return formatDateTime(value);
  }
  if (field === 'TimeReceived') {
    return formatDateTime(value * 1000);
  }
  if (id === 'FlowDuration' || id === 'CollectionLatency') {
    return duration(value);
  }
  if (/Port$/.test(field)) {
    return ports.label(value);
  }
  switch (field) {
    case 'TimeFlowRttNs':
    case 'MaxTimeFlowRttNs':
      return formatMs(value / 1e6);
    case 'DnsLatencyMs':
      return formatMs(value);
    case 'Etype':
      return etherTypeName(value);
    case 'Proto':
      return protocolName(value);
    case 'Dscp':
      return dscpName(value);
    case 'IcmpType':
      return icmpTypeName(flow.Proto, value);
    case 'DnsFlags':
    case 'PktDropLatestFlags':
      return `0x${value.toString(16).padStart(4, '0')}`;
    case 'FlowDirection':
      return directionName(value);
    case 'Bytes':
    case 'PktDropBytes':
    case 'Bytes_AB':
    case 'Bytes_BA':
    case 'PktDropBytes_AB':
    case 'PktDropBytes_BA':
      return formatBytes(value);
    case 'Packets':
    case 'PktDropPackets':
    case 'Packets_AB':
    case 'Packets_BA':
    case 'PktDropPackets_AB':
    case 'PktDropPackets_BA':
    case 'numFlowLogs':
      return formatCount(value);
    default:
      return String(value);
  }
};

const endpointDetail = (flow: Flow, side: 'Src' | 'Dst'): string =>
  text(flow, `${side}K8S_Namespace`) || text(flow, `${side}SubnetLabel`) || text(flow, `${side}K8S_HostName`);

export const cell = (column: ColumnConfig, flow: Flow, context: CellContext): React.ReactNode => {
  const field = fieldOf(column);
  const value = columnValue(column, flow, context.columns);
  if (value === undefined || value === '' || (Array.isArray(value) && !value.length)) {
    return missing;
  }
  if (/^TimeFlow.*Ms$/.test(field) && typeof value === 'number') {
    return <span title={formatDateTime(value)}>{context.ago(formatAgo(value, context.nowMs))}</span>;
  }
  if (field === 'SrcAddr' || field === 'DstAddr') {
    const side = field.slice(0, 3) as 'Src' | 'Dst';
    const known = context.columns.some(each => each.id === `${side}SubnetLabel`) ? endpointDetail(flow, side) : '';
    return <TwoLines first={text(flow, field)} second={known} isCompact={context.isCompact} />;
  }
  if (column.id === 'Bytes' && typeof value === 'number') {
    const dropped = number(flow, 'PktDropBytes');
    return (
      <>
        {formatBytes(value)}
        {dropped ? <span className="netobserv-danger"> {formatBytes(dropped)} dropped</span> : null}
        <span className="netobserv-cell-bar" style={{ inlineSize: `${(value / context.maxBytes) * 100}%` }} />
      </>
    );
  }
  if (column.id === 'DNSResponseCode' && value !== 'NoError') {
    return <span className="netobserv-danger">{text(flow, field)}</span>;
  }
  if (typeof value === 'object' && !Array.isArray(value)) {
    const { kind, namespace, name } = value;
    return (
      <TwoLines
        isCompact={context.isCompact}
        second={namespace}
        first={
          <>
            <span className="netobserv-kind" title={kind}>
              {KIND_LETTERS[kind] ?? kind.slice(0, 2)}
            </span>{' '}
            {name}
          </>
        }
      />
    );
  }
  const plain = plainValue(column, flow, context.columns, context.ports);
  if (INTERFACE_COLUMNS.has(column.id)) {
    // The first is the one that counts; the others saw the same packets.
    const [first, ...others] = plain.split(', ');
    return (
      <span title={plain}>
        {first}
        {others.length > 0 && <span className="netobserv-subtle"> +{others.length}</span>}
      </span>
    );
  }
  return plain || missing;
};
