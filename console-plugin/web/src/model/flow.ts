//! A flow as the page holds it: one flat object of its labels and its line, and what the table derives from many.
//! Who: the table, the side panel, the summary.
//! **Invariant:** pure; a field keeps the back end's name and meaning.
import type { FieldConfig, FieldValue, StreamsAnswer } from '../api/types';
import { sentence } from './sentence';

export type Flow = Record<string, FieldValue | undefined> & {
  /** Stable across refreshes: the time and the line itself. */
  _id: string;
};

const NUMERIC_LABEL_TYPES = new Set(['number']);

export const flowsFromAnswer = (answer: StreamsAnswer, fields: FieldConfig[]): Flow[] => {
  const numeric = new Set(fields.filter(field => NUMERIC_LABEL_TYPES.has(field.type)).map(field => field.name));
  return answer.result.flatMap(({ stream, values }) => {
    const labels = Object.fromEntries(
      Object.entries(stream).map(([key, value]) => [key, numeric.has(key) && value !== '' ? Number(value) : value])
    );
    return values.flatMap(([timestamp, line]) => {
      const fieldsOfLine = parseLine(line);
      return fieldsOfLine ? [{ ...labels, ...fieldsOfLine, _id: timestamp + line }] : [];
    });
  });
};

const parseLine = (line: string): Record<string, FieldValue> | undefined => {
  try {
    return JSON.parse(line) as Record<string, FieldValue>;
  } catch {
    // A line of a foreign writer in the same source is not a flow.
    return undefined;
  }
};

/** A value as text; what has parts is written as JSON. */
export const asText = (value: FieldValue | undefined): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

export const text = (flow: Flow, field: string): string => asText(flow[field]);

export const number = (flow: Flow, field: string): number | undefined => {
  const value = flow[field];
  return typeof value === 'number' ? value : undefined;
};

export const list = (flow: Flow, field: string): FieldValue[] => {
  const value = flow[field];
  return Array.isArray(value) ? value : value === undefined || value === null || value === '' ? [] : [value];
};

const ELECTING = ['DnsName', 'DnsId', 'PktDropBytes', 'PktDropPackets', 'NetworkEvents'];

const conversationSide = (flow: Flow, side: 'Src' | 'Dst'): string =>
  ['Addr', 'Port', 'K8S_NetworkName'].map(name => text(flow, side + name) || 'x').join(':');

/** Rows of one agent were merged by it: those of another direction are other packets, or the same at another time. */
const areOfOneAgent = (group: Flow[]): boolean =>
  new Set(group.map(flow => text(flow, 'AgentIP')).filter(agent => agent !== '')).size < 2;

/**
 * A flow seen by two reporters (the agents of the source's node and of the destination's) is shown once, with the
 * interfaces of both.
 */
export const mergeReporters = (flows: Flow[]): Flow[] => {
  const groups = new Map<string, Flow[]>();
  for (const flow of flows) {
    const key = `${conversationSide(flow, 'Src')}→${conversationSide(flow, 'Dst')}@${text(flow, 'Proto')}`;
    const group = groups.get(key);
    if (group) {
      group.push(flow);
    } else {
      groups.set(key, [flow]);
    }
  }
  return [...groups.values()].flatMap(group => {
    if (areOfOneAgent(group) || group.every(flow => flow.FlowDirection === group[0]!.FlowDirection)) {
      return group;
    }
    const elected = group.find(flow => ELECTING.some(field => flow[field] !== undefined)) ?? group[0]!;
    const union = (field: string) => {
      const values = [...new Set(group.flatMap(flow => list(flow, field)))];
      return values.length ? { [field]: values } : {};
    };
    return group
      .filter(flow => flow.FlowDirection === elected.FlowDirection)
      .map(flow => ({ ...flow, ...union('Udns'), ...interfacesUnion(group) }));
  });
};

const interfacesUnion = (group: Flow[]): Partial<Flow> => {
  const pairs = new Map<string, [FieldValue, FieldValue | undefined]>();
  for (const flow of group) {
    const directions = list(flow, 'IfDirections');
    list(flow, 'Interfaces').forEach((name, index) => {
      pairs.set(`${asText(name)}/${asText(directions[index])}`, [name, directions[index]]);
    });
  }
  if (!pairs.size) {
    return {};
  }
  const all = [...pairs.values()];
  return { Interfaces: all.map(([name]) => name), IfDirections: all.map(([, direction]) => direction ?? null) };
};

export interface FlowTotals {
  flows: number;
  bytes: number;
  packets: number;
}

export const totalsOf = (flows: Flow[]): FlowTotals => {
  const totals = { flows: flows.length, bytes: 0, packets: 0 };
  for (const flow of flows) {
    totals.bytes += number(flow, 'Bytes') ?? 0;
    totals.packets += number(flow, 'Packets') ?? 0;
  }
  return totals;
};

const PROBLEM_DNS = new Set(['', 'NoError']);

/** Why a flow deserves a second look, as a translation key; nothing for a healthy one. */
export const problemOf = (flow: Flow): string | undefined => {
  if ((number(flow, 'PktDropPackets') ?? 0) > 0) {
    return sentence('Packets were dropped');
  }
  if (!PROBLEM_DNS.has(text(flow, 'DnsFlagsResponseCode')) && flow.DnsId !== undefined) {
    return sentence('DNS answered with an error');
  }
  if ((number(flow, 'DnsErrno') ?? 0) > 0) {
    return sentence('DNS query without an answer');
  }
  return undefined;
};

/** How old the flow that ended last was at `nowMs`: how far behind the page is. */
export const newestAge = (flows: Flow[], nowMs: number): number | undefined => {
  const newest = flows.reduce((top, flow) => Math.max(top, number(flow, 'TimeFlowEndMs') ?? 0), 0);
  return newest > 0 ? Math.max(0, nowMs - newest) : undefined;
};
