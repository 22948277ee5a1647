import { fireEvent, render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { Strip } from '../../src/components/Strip';
import { PageProvider } from '../../src/hooks/use-page';
import { config } from './config';

interface Pointer {
  button?: number;
  isPrimary?: boolean;
}

/** jsdom knows no pointers: a mouse event with what the strip reads of one. */
const pointer = (type: string, { button = 0, isPrimary = true }: Pointer): Event =>
  Object.defineProperty(new MouseEvent(type, { bubbles: true, button }), 'isPrimary', { value: isPrimary });

test.each<[what: string, types: string[], of: Pointer, moves: boolean]>([
  ['a click', ['pointerdown', 'pointerup'], {}, true],
  ['a right click', ['pointerdown', 'pointerup'], { button: 2 }, false],
  ['a second finger', ['pointerdown', 'pointerup'], { isPrimary: false }, false],
  ['a finger that scrolls the page', ['pointerdown', 'pointercancel', 'pointerup'], {}, false]
])('%s on the strip', (_what, types, of, moves) => {
  history.replaceState(null, '', '?filters=&timeRange=300');
  const page = render(
    <PageProvider config={config}>
      <Strip span={{ start: 1000, end: 1300 }} step={5} counts={new Map()} isStale={false} isUnknown={false} />
    </PageProvider>
  );
  const strip = screen.getByRole('group', { name: /^Flows over time/ });
  strip.setPointerCapture = () => {};
  types.forEach(type => fireEvent(strip, pointer(type, of)));
  expect(new URLSearchParams(location.search).has('startTime')).toBe(moves);
  page.unmount();
});
