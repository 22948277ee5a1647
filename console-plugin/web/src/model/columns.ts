//! Columns of the flow table from the configuration: which are offered, their values and their order.
//! Who: the table, the column chooser, the side panel, the export.
//! **Invariant:** pure; ids, fields and the `calculated` grammar are the configuration's.
import type { ColumnConfig, FrontendConfig } from '../api/types';
import { sentenceCase } from './format';
import { list, number, text, type Flow } from './flow';
import type { PortNames } from './reference';

export const availableColumns = (config: FrontendConfig): ColumnConfig[] => {
  const features = new Set(config.features);
  const hasConversations = config.recordTypes.some(type => type !== 'flowLog');
  return config.columns.filter(
    column =>
      (!column.feature || features.has(column.feature)) &&
      (hasConversations || !['RecordType', '_HashId'].includes(column.id))
  );
};

export const defaultColumns = (columns: ColumnConfig[]): string[] =>
  columns.filter(column => column.default).map(column => column.id);

export interface KubeObject {
  kind: string;
  namespace: string;
  name: string;
}

export type Computed = string | number | KubeObject | Computed[] | undefined;

const unquote = (arg: string): string | undefined => /^'(.*)'$/.exec(arg)?.[1];

const splitArguments = (inner: string): string[] => inner.split(',').map(arg => arg.trim());

/** Evaluates the `calculated` text of a column. */
export const calculate = (calculated: string, flow: Flow, columns: ColumnConfig[]): Computed => {
  const argument = (arg: string): Computed => {
    const literal = unquote(arg);
    if (literal !== undefined) {
      return literal;
    }
    if (arg.startsWith('column.')) {
      const column = columns.find(each => each.id === arg.slice('column.'.length));
      return column && columnValue(column, flow, columns);
    }
    const value = flow[arg];
    return typeof value === 'number' ? value : text(flow, arg);
  };
  if (calculated.startsWith('[')) {
    return splitArguments(calculated.slice(1, -1)).map(argument).flat();
  }
  for (const call of calculated.split(' or ')) {
    const parsed = /^(\w+)\((.*)\)$/.exec(call.trim());
    const result = parsed && evaluate(parsed[1]!, splitArguments(parsed[2]!).map(argument));
    if (result) {
      return result;
    }
  }
  return undefined;
};

const evaluate = (fn: string, args: Computed[]): Computed => {
  const numberAt = (index: number) => Number(args[index]) || 0;
  switch (fn) {
    case 'concat':
      return args.every(arg => arg === '' || arg === ':') ? undefined : args.map(String).join('');
    case 'kubeObject': {
      const [kind, namespace, name] = args.map(String);
      return kind && name ? { kind, namespace: namespace ?? '', name } : undefined;
    }
    case 'substract':
      return numberAt(0) - numberAt(1);
    case 'multiply':
      return numberAt(0) * numberAt(1);
    default:
      return undefined;
  }
};

export const columnValue = (column: ColumnConfig, flow: Flow, columns: ColumnConfig[]): Computed => {
  if (column.calculated) {
    return calculate(column.calculated, flow, columns);
  }
  const field = fieldOf(column);
  if (!field) {
    return undefined;
  }
  return number(flow, field) ?? (Array.isArray(flow[field]) ? list(flow, field).map(String) : text(flow, field));
};

const NUMERIC_COLUMNS = new Set([
  'SrcPort',
  'DstPort',
  'Bytes',
  'Packets',
  'FlowDuration',
  'CollectionLatency',
  'PktDropBytes',
  'PktDropPackets',
  'DNSId',
  'DNSLatency',
  'TimeFlowRttMs',
  'Sampling'
]);

export const isNumeric = (column: ColumnConfig): boolean => NUMERIC_COLUMNS.has(column.id);

/** The field whose value a column shows; of several the first counts. */
export const fieldOf = (column: ColumnConfig): string => column.field ?? column.fields?.[0] ?? '';

// Groups that only sort the chooser, and say nothing that the column's name does not.
const SILENT_GROUPS = new Set(['L3 Layer', 'DNS']);

/** `Source IP`, where the group is what tells two columns apart. */
export const fullName = ({ group, name }: ColumnConfig): string => {
  const isSaid = !group || SILENT_GROUPS.has(group) || name.toLowerCase().startsWith(group.toLowerCase());
  return sentenceCase(isSaid ? name : `${group} ${name}`);
};

export interface Sort {
  id: string;
  isDescending: boolean;
}

export const DEFAULT_SORT: Sort = { id: 'EndTime', isDescending: true };

const addressKey = (address: string): string =>
  address.includes(':')
    ? `6${address}`
    : `4${address
        .split('.')
        .map(part => part.padStart(3, '0'))
        .join('.')}`;

const sortKey = (column: ColumnConfig, flow: Flow, columns: ColumnConfig[], ports: PortNames): string | number => {
  const value = columnValue(column, flow, columns);
  if (/Addr$|HostIP$/.test(fieldOf(column)) && typeof value === 'string') {
    return value && addressKey(value);
  }
  if (/Port$/.test(fieldOf(column)) && typeof value === 'number') {
    // Ports with a known service first.
    return ports.name(value) ? value : value + 65_536;
  }
  if (typeof value === 'number') {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(String).join();
  }
  return value && typeof value === 'object' ? `${value.namespace}/${value.name}` : (value ?? '');
};

/** A sorted copy; missing values come last in either direction. */
export const sortFlows = (flows: Flow[], sort: Sort, columns: ColumnConfig[], ports: PortNames): Flow[] => {
  const column = columns.find(each => each.id === sort.id);
  if (!column) {
    return flows;
  }
  const sign = sort.isDescending ? -1 : 1;
  const keyed = flows.map(flow => ({ flow, key: sortKey(column, flow, columns, ports) }));
  keyed.sort((a, b) => {
    const [aMissing, bMissing] = [a.key === '', b.key === ''];
    if (aMissing || bMissing) {
      return Number(aMissing) - Number(bMissing);
    }
    return a.key === b.key ? 0 : sign * (a.key < b.key ? -1 : 1);
  });
  return keyed.map(({ flow }) => flow);
};
