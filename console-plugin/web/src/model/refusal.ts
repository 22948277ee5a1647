//! Why flows are not stored, for a reader who knows neither the store nor its configuration. Who: `NotStored`.
//! **Invariant:** pure; a text that is not recognised is shown as it is.

/** As the flow store writes it; the numbers where it knows them. */
const DISK_FULL = /disk is full/;
const ROOM = /(?<free>\d+) bytes are free, (?<written>\d+) are to be written and (?<kept>\d+) kept back/;

export interface DiskFull {
  /** Bytes. */
  free: number;
  /** Bytes that must be free for the next flows to be stored. */
  needed: number;
}

/** Nothing for another reason; 'unknown' where the disk itself refused, without a number. */
export const diskFullOf = (refusal: string): DiskFull | 'unknown' | undefined => {
  if (!DISK_FULL.test(refusal)) {
    return undefined;
  }
  const { free, written, kept } = ROOM.exec(refusal)?.groups ?? {};
  return free === undefined ? 'unknown' : { free: Number(free), needed: Number(written) + Number(kept) };
};
