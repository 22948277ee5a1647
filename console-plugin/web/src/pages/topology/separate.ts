//! Pushes blocks apart until none overlaps. Who: `layout`.
//! **Invariant:** deterministic; blocks that are apart already do not move.

export interface Block {
  id: string;
  /** The middle. */
  x: number;
  y: number;
  width: number;
  height: number;
}

const PASSES_MAX = 400;
const SLACK = 0.5;

export const separate = (blocks: Block[], gap: number): void => {
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    let isApart = true;
    for (let i = 0; i < blocks.length; i++) {
      for (let j = i + 1; j < blocks.length; j++) {
        const [a, b] = [blocks[i]!, blocks[j]!];
        const [dx, dy] = [b.x - a.x, b.y - a.y];
        const overlapX = (a.width + b.width) / 2 + gap - Math.abs(dx);
        const overlapY = (a.height + b.height) / 2 + gap - Math.abs(dy);
        if (overlapX <= SLACK || overlapY <= SLACK) {
          continue;
        }
        isApart = false;
        // The shorter way out; the smaller block goes the longer part of it.
        const share = (b.width * b.height) / (a.width * a.height + b.width * b.height);
        if (overlapX < overlapY) {
          const push = dx < 0 ? -overlapX : overlapX;
          a.x -= push * share;
          b.x += push * (1 - share);
        } else {
          const push = dy < 0 ? -overlapY : overlapY;
          a.y -= push * share;
          b.y += push * (1 - share);
        }
      }
    }
    if (isApart) {
      return;
    }
  }
};
