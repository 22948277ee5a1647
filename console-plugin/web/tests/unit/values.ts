//! Values a filter may hold, hostile ones more often than not. Who: the property tests of filters.
import fc from 'fast-check';
import type { Compare } from '../../src/model/filters';

export const COMPARES: Compare[] = ['=', '!=', '>=', '~', '!~'];

const sign = fc.constantFrom(...'=~;,"%&|!> \\\'*+?#:/');
const part = fc.oneof(
  sign,
  fc.stringMatching(/^[a-z0-9.-]{1,6}$/),
  fc.constantFrom('%3D', '%2C', '%zz', 'é', '中', '🦀')
);

/** One value as a filter holds it: bare, or in quotes, which ask for an exact match. */
export const anyValue = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 8 }), fc.boolean())
  .map(([parts, isQuoted]) => (isQuoted ? `"${parts.join('')}"` : parts.join('')))
  // Alone, a quotation mark is what is left of a value while it is typed.
  .filter(value => value !== '"');
