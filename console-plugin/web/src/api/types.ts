//! Shapes of the back end's answers under the page's names; who: `api/*` and everything that draws.
//! **Invariant:** the shapes are generated from the back end's own types; nothing here is computed by the page.
export type {
  Column as ColumnConfig,
  FieldConfig,
  FieldValues,
  Filter as FilterConfig,
  FrontendConfig,
  Loss,
  LossReport as Losses,
  MetricsAnswer as MatrixAnswer,
  RecordsAnswer as StreamsAnswer,
  Refusal,
  Scope as ScopeConfig,
  Status,
  Unit
} from './generated/types';

/** A value in the line of a flow. */
export type FieldValue = string | number | boolean | null | FieldValue[] | { [key: string]: FieldValue };
