//! Widths of the columns of a table that has less room than they would like. Who: `FlowTable`.
//! **Invariant:** pure; no column is cut by the edge of the table: those that fit fill it, the others lie beyond it.

export interface Wish {
  /** What the column would like. */
  wanted: number;
  /** What its values need. */
  least: number;
}

export interface Fitted {
  widths: number[];
  /** How many columns, from the left, stand in the room. */
  visible: number;
}

const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0);

/** Whole pixels that add up to the room. */
const fill = (widths: number[], room: number): number[] => {
  const whole = widths.map(Math.floor);
  const last = whole.length - 1;
  return whole.map((width, index) => (index === last ? room - sum(whole.slice(0, last)) : width));
};

export const fitColumns = (wishes: Wish[], room: number): Fitted => {
  const wanted = wishes.map(wish => wish.wanted);
  if (room <= 0 || sum(wanted) <= room) {
    return { widths: wanted, visible: wishes.length };
  }
  let visible = 0;
  for (let used = 0; visible < wishes.length; visible++) {
    used += wishes[visible]!.least;
    if (used > room) {
      break;
    }
  }
  // One column alone wider than the room is cut in any case.
  if (visible === 0) {
    return { widths: wanted, visible: 1 };
  }
  const inside = wishes.slice(0, visible);
  const [least, most] = [sum(inside.map(wish => wish.least)), sum(inside.map(wish => wish.wanted))];
  const share = most > least ? Math.min(1, (room - least) / (most - least)) : 0;
  const between = inside.map(wish => wish.least + (wish.wanted - wish.least) * share);
  const stretch = room / sum(between);
  return {
    widths: [
      ...fill(
        between.map(width => width * stretch),
        room
      ),
      ...wanted.slice(visible)
    ],
    visible
  };
};
