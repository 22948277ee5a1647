//! One colour for one name, everywhere on the page and across refreshes.
//! Who: charts, legends, topology groups.
//! **Invariant:** a name keeps its colour while it is shown, and after that until `NAMES_MAX` others were; it starts from
//! the name's hash, and moves on to the least used colour where two names would look alike. The colours themselves are in
//! `styles/page.css`, per theme.
import { Newest } from './newest';

export const COLOR_COUNT = 14;
/** Many times what one view shows; a page may stay open for weeks. */
export const NAMES_MAX = 2000;

const slots = new Newest<number>(NAMES_MAX);
const uses = new Array<number>(COLOR_COUNT).fill(0);

const hash = (name: string): number => {
  let value = 2166136261;
  for (let index = 0; index < name.length; index++) {
    value = Math.imul(value ^ name.charCodeAt(index), 16777619);
  }
  return (value ^ (value >>> 15)) >>> 0;
};

export const colorSlot = (name: string): number => {
  const known = slots.get(name);
  if (known !== undefined) {
    return known;
  }
  const start = hash(name) % COLOR_COUNT;
  const least = Math.min(...uses);
  let slot = start;
  while (uses[slot]! > least) {
    slot = (slot + 1) % COLOR_COUNT;
  }
  uses[slot]! += 1;
  const freed = slots.set(name, slot);
  if (freed !== undefined) {
    uses[freed]! -= 1;
  }
  return slot;
};

export const colorToken = (name: string): string => `--netobserv-series-${colorSlot(name)}`;

export const colorOf = (name: string): string => `var(${colorToken(name)})`;
