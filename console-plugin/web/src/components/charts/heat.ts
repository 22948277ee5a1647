//! How dark a cell of the heat strip is. Who: `HeatStrip`. **Invariant:** pure; equal values look equal in every row.

export const HEAT_LEVELS = 5;

/** Levels by powers: from the smallest value seen to the largest, so that 1 ms and 300 ms both show. */
export const heatScale = (rows: (number | null)[][]): ((value: number | null) => number | undefined) => {
  const known = rows.flat().filter((value): value is number => value !== null && value > 0);
  const [low, high] = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), 0)];
  const width = Math.log(high / low);
  return value => {
    if (value === null) {
      return undefined;
    }
    if (value <= low || !(width > 0)) {
      return 0;
    }
    return Math.min(HEAT_LEVELS - 1, Math.floor((Math.log(value / low) / width) * HEAT_LEVELS));
  };
};
