//! Names of filters, values and comparisons as sentences. Who: chips, suggestions, menus.
//! **Invariant:** pure; a filter of either end is named without a side.
import type { FrontendConfig } from '../api/types';
import { sideOf, type Compare } from './filters';
import { sentenceCase } from './format';
import { sentence } from './sentence';

export const filterName = (config: FrontendConfig, id: string): string => {
  const name = config.filters.find(filter => filter.id === id)?.name ?? id;
  const side = sideOf(id);
  const group = side === 'src' ? 'Source' : side === 'dst' ? 'Destination' : undefined;
  return sentenceCase(group && !name.toLowerCase().startsWith(group.toLowerCase()) ? `${group} ${name}` : name);
};

/** Translation keys. */
export const COMPARE_WORDS: Record<Compare, string> = {
  '=': sentence('is'),
  '!=': sentence('is not'),
  '>=': sentence('at least'),
  '~': sentence('contains'),
  '!~': sentence('does not contain')
};
