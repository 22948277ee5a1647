// Generated from the back end's types by its tests (UPDATE_CONTRACTS=1); do not edit.

export interface Column {
  /** Expression it shows. */
  calculated?: string;
  /** Whether it is shown at first. */
  default?: boolean;
  /** Where to read more. */
  docURL?: string;
  /** Capability it depends on. */
  feature?: string;
  /** Field it shows. */
  field?: string;
  /** Fields it shows. */
  fields?: string[];
  /** Filter of this column. */
  filter?: string;
  /** Heading above neighbours of one group. */
  group?: string;
  /** Identity. */
  id: string;
  /** Heading. */
  name: string;
  /** Explanation. */
  tooltip?: string;
  /** Relative width. */
  width: number;
}

export interface RecordsAnswer {
  result: Stream[];
  resultType: string;
  stats: Stats;
  unixTimestamp: number;
}

export interface MetricsAnswer {
  result: MatrixSeries[];
  resultType: string;
  stats: Stats;
  unixTimestamp: number;
}

export type ErrorBody = {
  message: string;
} | {
  promUnsupported: string;
};

export interface FieldConfig {
  /** Documentation. */
  description?: string;
  /** `IP` or nothing. */
  format?: string;
  /** Name. */
  name: string;
  /** `string`, `number`, `string[]` or `number[]`. */
  type: string;
}

export interface FieldValue {
  count: number;
  value: string;
}

export interface FieldValues {
  limitReached: boolean;
  values: FieldValue[];
}

export interface Filter {
  /** Whether a picked suggestion is quoted, that is matched exactly. */
  autoCompleteAddsQuotes?: boolean;
  /** `source`, `destination`, `endpoint` or nothing. */
  category?: string;
  /** Kind of input: `autocomplete`, `text` or `number`. */
  component: string;
  /** Where to read more. */
  docUrl?: string;
  /** Longer help. */
  examples?: string;
  /** Capability it depends on. */
  feature?: string;
  /** Short help. */
  hint?: string;
  /** Identity. */
  id: string;
  /** Heading. */
  name: string;
  /** Text of the empty input. */
  placeholder?: string;
}

export interface FrontendConfig {
  /** Namespaces whose alerts are shown. */
  alertNamespaces: string[];
  /** Date shown in the about dialog. */
  buildDate: string;
  /** Version shown in the about dialog. */
  buildVersion: string;
  /** Columns of the table. */
  columns: Column[];
  /** Derived: sources that can answer. */
  dataSources: string[];
  /** Capabilities that are switched on. */
  features: string[];
  /** Fields of a record. */
  fields: FieldConfig[];
  /** Filters of the toolbar. */
  filters: Filter[];
  /** Derived: fields indexed as labels. */
  lokiLabels: string[];
  /** Derived: always false, there are no mocks. */
  lokiMocks: boolean;
  /** Derived: how long a row may take to be complete, in milliseconds. */
  maxChunkAgeMs?: number | null;
  /** Custom panels. */
  panels: string[];
  /** Names of ports. */
  portNaming: PortNaming;
  /** Derived: labels of enabled metrics. */
  promLabels: string[];
  /** Sets of filters behind one button. */
  quickFilters: QuickFilter[];
  /** Record types in the store; anything beside `flowLog` switches conversations on. */
  recordTypes: string[];
  /** Annotations of recording rules. */
  recordingAnnotations?: Record<string, Record<string, string>>;
  /** One of how many packets is looked at; 0 and 1 are all. */
  sampling: number;
  /** Levels of aggregation. */
  scopes: Scope[];
}

export interface Loss {
  /** How many. */
  amount: number;
  /** Why. */
  cause: string;
  /** Which component. */
  component: string;
  /** Of what. */
  unit: Unit;
}

export interface LossInterval {
  /** How many. */
  amount: number;
  /** Why. */
  cause: string;
  /** Which component. */
  component: string;
  /** From, Unix milliseconds. */
  from: number;
  /** To, Unix milliseconds. */
  to: number;
  /** Of what. */
  unit: Unit;
}

export interface LossReport {
  /** Components that are watched; one that is not here is not configured and nothing is known of it. */
  components: string[];
  /** The newest 500 of what `losses` sums up, one by one and the oldest of them first. */
  intervals: LossInterval[];
  /** Sums, by component and cause. */
  losses: Loss[];
  /** Components of which nothing is known, whatever the range, since they have never answered. */
  neverSeen: NeverSeen[];
  /** Intervals in which a component that has been seen ran, or may have run, without anybody counting; and hours of which the flow store had to set a damaged file aside. */
  unaccounted: Unaccounted[];
}

export interface MatrixSeries {
  metric: Record<string, string>;
  /** Seconds and value. */
  values: [number, string][];
}

export interface NeverSeen {
  /** Which component. */
  component: string;
  /** That was less than a minute ago, so it may just be coming up. */
  isStarting: boolean;
  /** First try, Unix milliseconds. */
  since: number;
}

export interface PortNaming {
  /** Whether ports are shown by name. */
  enable: boolean;
  /** Own names, by port. */
  portNames: Record<string, string>;
}

export interface QuickFilter {
  /** Whether it is on at first. */
  default?: boolean;
  /** Filter id to values. */
  filter: Record<string, string>;
  /** Heading. */
  name: string;
}

export interface Refusal {
  /** Kind of the error. */
  kind: string;
  /** Its text, with the next step. */
  reason: string;
  /** Of a disk on which too little would be left; nothing where the disk itself refused. */
  room?: Room | null;
}

export interface Room {
  free: number;
  /** What must be free for the next flows to be stored. */
  needed: number;
}

export interface Scope {
  /** Explanation. */
  description?: string;
  /** Capability it depends on. */
  feature?: string;
  /** Filter of a scope without direction. */
  filter?: string;
  /** Filters of a directional scope. */
  filters?: string[];
  /** Groups offered in the topology. */
  groups?: string[];
  /** Identity; also a value of `aggregateBy`. */
  id: string;
  /** Fields to group by. */
  labels: string[];
  /** Heading. */
  name: string;
  /** The next finer scope. */
  stepInto?: string;
}

export interface SourceStatus {
  error: string;
  errorCode: number;
  isEnabled: boolean;
  isReady: boolean;
  namespacesCount: number;
  /** Why flows are not stored now; those stored before can still be asked for. Ours. */
  refusal?: Refusal | null;
}

export interface Stats {
  dataSources: string[];
  duplicates: number;
  limitReached: boolean;
  numQueries: number;
  queriesStats: unknown[];
  totalEntries: number;
}

export interface Status {
  loki: SourceStatus;
  prometheus: SourceStatus;
}

export interface Stream {
  stream: Record<string, string>;
  /** Nanoseconds and line. */
  values: [string, string][];
}

export interface Unaccounted {
  /** Which component. */
  component: string;
  /** From, Unix milliseconds. */
  from: number;
  /** To, Unix milliseconds. */
  to: number;
}

export type Unit = 'records' | 'packets' | 'pushes';
