//! Filters made from a flow: of one value, of the pair of ends, of the conversation.
//! Who: the side panel, the context menu, the keyboard.
//! **Invariant:** pure; values of text fields are quoted, so that they match exactly.
import type { FieldValue, FrontendConfig } from '../api/types';
import { baseOf, type Filter, type FilterFields } from './filters';
import { asText, type Flow } from './flow';

export const exact = (config: FrontendConfig, field: string, value: FieldValue): string => {
  const type = config.fields.find(each => each.name === field);
  return type?.type.startsWith('string') && type.format !== 'IP' ? `"${asText(value)}"` : asText(value);
};

/** Filters for the value of a field, several for a list; none where the field cannot be filtered. */
export const fieldFilters = (
  config: FrontendConfig,
  fields: FilterFields,
  flow: Flow,
  field: string,
  isExcluded = false
): Filter[] => {
  const id = fields.filterOf(field);
  const value = flow[field];
  if (!id || value === undefined || value === null) {
    return [];
  }
  const compare = isExcluded ? '!=' : '=';
  // Kinds have two fields behind one filter: the value alone tells which.
  if (baseOf(id) === 'kind') {
    return [{ id, compare, values: [asText(value)] }];
  }
  const values = (Array.isArray(value) ? value : [value]).map(each => exact(config, field, each));
  return values.length ? [{ id, compare, values }] : [];
};

const PAIR = ['SrcAddr', 'DstAddr'];
const CONVERSATION = [...PAIR, 'SrcPort', 'DstPort', 'Proto'];

const filtersOf = (config: FrontendConfig, fields: FilterFields, flow: Flow, names: string[]): Filter[] =>
  names.flatMap(name => fieldFilters(config, fields, flow, name));

/** Both ends; to be used with match "bidirectional". */
export const pairFilters = (config: FrontendConfig, fields: FilterFields, flow: Flow): Filter[] =>
  filtersOf(config, fields, flow, PAIR);

export const conversationFilters = (config: FrontendConfig, fields: FilterFields, flow: Flow): Filter[] =>
  filtersOf(config, fields, flow, CONVERSATION);
