import { expect, test } from 'vitest';
import { diskFullOf } from '../../src/model/refusal';

test.each([
  [
    "the store's disk is full (5 bytes are free, 10 are to be written and 100 kept back by store.limits.freeBytes): free some space",
    { free: 5, needed: 110 }
  ],
  // The disk itself refused, without a number.
  ["the store's disk is full (write x: No space left on device): free some space", 'unknown'],
  ['the store is busy', undefined]
])('a full disk is told without the names of the configuration: %s', (refusal, full) => {
  expect(diskFullOf(refusal)).toEqual(full);
});
