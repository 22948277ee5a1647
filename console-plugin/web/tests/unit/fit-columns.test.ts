import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { fitColumns, type Wish } from '../../src/pages/flows/fit-columns';

const wish = (wanted: number, least = wanted): Wish => ({ wanted, least });

test.each<[what: string, wishes: Wish[], room: number, widths: number[], visible: number]>([
  ['there is room for all', [wish(100), wish(50)], 200, [100, 50], 2],
  ['all give a little', [wish(100, 60), wish(100, 60)], 160, [80, 80], 2],
  ['who needs its width keeps it', [wish(100), wish(100, 40)], 150, [100, 50], 2],
  [
    'the last does not fit: the others take its room',
    [wish(100, 90), wish(100, 90), wish(80, 70)],
    210,
    [105, 105, 80],
    2
  ],
  ['not even the first fits', [wish(300, 200), wish(50)], 100, [300, 50], 1],
  ['the room is not known yet', [wish(100)], 0, [100], 1]
])('%s', (_what, wishes, room, widths, visible) => expect(fitColumns(wishes, room)).toEqual({ widths, visible }));

it('never lets the edge cut a column, nor squeezes one below its need', () => {
  const any = fc
    .tuple(fc.integer({ min: 50, max: 300 }), fc.integer({ min: 50, max: 300 }))
    .map(([a, b]) => wish(Math.max(a, b), Math.min(a, b)));
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), fc.integer({ min: 320, max: 2560 }), (wishes, room) => {
      const { widths, visible } = fitColumns(wishes, room);
      const inside = widths.slice(0, visible).reduce((a, b) => a + b, 0);
      expect(inside).toBeLessThanOrEqual(room);
      if (visible < wishes.length) {
        expect(inside).toBe(room);
      }
      widths.forEach((width, index) => expect(width).toBeGreaterThanOrEqual(Math.floor(wishes[index]!.least) - 1));
    })
  );
});
