//! The words of a text in the filter bar: how it is cut, what stands between two ends, and how values are quoted.
//! Who: `filter-text`, the completion. **Invariant:** pure; what is quoted here is cut there into the same values.
import { isAddress } from './filter-values';

export interface Token {
  text: string;
  start: number;
}

/** What the page writes between source and destination, and what people type for it. */
export const ARROWS = new Set(['→', '->']);
const ARROW_WITHIN = /^([^"→]+?)(→|->)([^"]+)$/;

export const tokenize = (input: string): Token[] =>
  [...input.matchAll(/(?:"(?:\\.|[^"\\])*"|\\.|[^\s\\])+/gs)].flatMap(({ 0: text, index: start }) => {
    const [, source = '', arrow = '', destination = ''] = ARROW_WITHIN.exec(text) ?? [];
    return isAddress(source) && isAddress(destination)
      ? [
          { text: source, start },
          { text: arrow, start: start + source.length },
          { text: destination, start: start + source.length + arrow.length }
        ]
      : [{ text, start }];
  });

/** The values of a text: commas part them, but not within quotes or after a backslash, which also frees a quote. */
export const splitValues = (text: string): string[] =>
  [...text.matchAll(/(?:"(?:\\.|[^"\\])*"|\\.|[^,\\])+/gs)].map(([part]) => part.replace(/\\(.)/gs, '$1'));

/** A text as one value, where it is several words. */
export const inQuotes = (text: string): string => (/\s/.test(text) ? `"${text}"` : text);

/** A value so that it is understood as itself when it is typed. */
export const valueToText = (value: string): string => {
  const quoted = /^"(.*)"$/s.exec(value)?.[1];
  return quoted === undefined ? value.replace(/[\s",\\]/g, '\\$&') : `"${quoted.replace(/["\\]/g, '\\$&')}"`;
};
