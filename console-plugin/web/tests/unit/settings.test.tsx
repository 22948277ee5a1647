import { act, fireEvent, render, renderHook, screen } from '@testing-library/react';
import { beforeEach, expect, it, test, vi } from 'vitest';

const ITEM = 'netobserv-plugin-settings';

/** As a page that is opened now reads them. */
const open = async () => {
  vi.resetModules();
  return await import('../../src/hooks/use-settings');
};
const stored = (): unknown => JSON.parse(localStorage.getItem(ITEM) ?? '{}');

beforeEach(() => localStorage.clear());

it('keeps what another window has written meanwhile', async () => {
  const { writeSetting } = await open();
  localStorage.setItem(ITEM, JSON.stringify({ theirs: 1 }));
  writeSetting('mine', 2);
  expect(stored()).toEqual({ theirs: 1, mine: 2 });
});

it('keeps what storage refused for as long as the page lasts, whatever is chosen next', async () => {
  localStorage.setItem(ITEM, JSON.stringify({ mine: 'old' }));
  const { isText, readSetting, writeSetting } = await open();
  const refuse = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  writeSetting('mine', 'new');
  writeSetting('other', 'x');
  expect(readSetting('mine', isText, '')).toBe('new');
  refuse.mockRestore();
  localStorage.setItem(ITEM, JSON.stringify({ mine: 'old', theirs: 1 }));
  writeSetting('other', 'y');
  expect(stored()).toEqual({ mine: 'new', theirs: 1, other: 'y' });
});

test.each([
  ['isAmounts', { a: '12' }],
  ['isAmounts', ['12']],
  ['isAmounts', { a: null }],
  ['isTexts', {}],
  ['isTexts', [1]],
  ['isText', 1],
  ['isFlag', 'true'],
  ['isAmount', '15000'],
  ['isAmount', -1]
] as const)('%s does not take %j', async (is, value) => {
  localStorage.setItem(ITEM, JSON.stringify({ key: value }));
  const { readSetting, ...guards } = await open();
  expect(readSetting<unknown>('key', guards[is], 'fallback')).toBe('fallback');
});

it.each(['{}', '[]', '{"x"', 'null'])('works on top of %s', async text => {
  localStorage.setItem(ITEM, text);
  const { isFlag, useSetting } = await open();
  const { result } = renderHook(() => useSetting('flag', isFlag, false));
  expect(result.current[0]).toBe(false);
  act(() => result.current[1](true));
  expect(result.current[0]).toBe(true);
  expect(stored()).toEqual({ flag: true });
});

it('is forgotten by whom a setting has broken the page', async () => {
  localStorage.setItem(ITEM, '{"a":1}');
  vi.resetModules();
  const { CrashView } = await import('../../src/components/StateViews');
  const assign = vi.fn();
  vi.stubGlobal('location', { ...location, assign });
  render(<CrashView error={new Error('broken')} />);
  fireEvent.click(screen.getByRole('button', { name: /without my settings/ }));
  expect(localStorage.getItem(ITEM)).toBeNull();
  expect(assign).toHaveBeenCalled();
  vi.unstubAllGlobals();
});
