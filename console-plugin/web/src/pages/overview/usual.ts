//! When a number deserves red. Who: the tiles. **Invariant:** pure.

/** Large in itself, and several times what it was just before. */
export const isUnusual = (now: number, before: number | undefined, from: number, times: number): boolean =>
  now >= from && before !== undefined && now >= before * times;

/** Dropped packets as a share of what was sent; a point without packets has no share. */
export const dropRatio = (drops: (number | null)[], packets: (number | null)[]): (number | null)[] =>
  packets.map((sent, index) => {
    const dropped = drops[index] ?? 0;
    const all = (sent ?? 0) + dropped;
    return all > 0 ? dropped / all : null;
  });
