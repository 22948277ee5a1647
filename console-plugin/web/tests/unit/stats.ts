//! What an answer says of itself where a test does not look at it. Who: the unit tests.
import type { MatrixAnswer } from '../../src/api/types';

export const stats: MatrixAnswer['stats'] = {
  numQueries: 1,
  totalEntries: 0,
  duplicates: 0,
  limitReached: false,
  dataSources: [],
  queriesStats: []
};
