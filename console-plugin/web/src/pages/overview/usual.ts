//! When a number deserves red. Who: the tiles. **Invariant:** pure.

/** Large in itself, and several times what it was just before. */
export const isUnusual = (
  now: number,
  before: number | undefined,
  { from, times }: { from: number; times: number }
): boolean => now >= from && before !== undefined && now >= before * times;

/** Dropped packets as a share of dropped and sent together; nothing where there were no packets. */
export const ratioOf = (dropped: number | undefined, sent: number | undefined): number | undefined => {
  const all = (dropped ?? 0) + (sent ?? 0);
  return dropped !== undefined && sent !== undefined && all > 0 ? dropped / all : undefined;
};

export const dropRatio = (drops: (number | null)[], packets: (number | null)[]): (number | null)[] =>
  packets.map((sent, index) => ratioOf(drops[index] ?? 0, sent ?? 0) ?? null);
