import { expect, it } from 'vitest';
import { colorSlot, NAMES_MAX } from '../../src/model/color';
import { Newest } from '../../src/model/newest';

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix} ${index}`);

it('holds what was used last, and no more', () => {
  const newest = new Newest<number>(3);
  expect(['a', 'b', 'c', 'b'].map((key, index) => newest.set(key, index))).toEqual(new Array(4).fill(undefined));
  expect(newest.get('a')).toBe(0);
  expect(newest.set('d', 4)).toBe(2);
  expect(newest.among(['a', 'b', 'c', 'd', 'e'])).toEqual({ a: 0, b: 3, d: 4 });
});

it('a name that is shown keeps its colour, and one that is long gone is forgotten', () => {
  const [shown, gone] = [names('shown', 50), names('gone', 100)];
  const colors = shown.map(colorSlot);
  const before = gone.map(colorSlot);
  for (const name of names('other', 3 * NAMES_MAX)) {
    colorSlot(name);
    colorSlot(shown[0]!);
  }
  expect(colorSlot(shown[0]!)).toBe(colors[0]);
  expect(gone.map(colorSlot)).not.toEqual(before);
});
