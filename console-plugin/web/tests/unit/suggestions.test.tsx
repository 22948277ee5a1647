//! What is offered while the answer to what is typed now is still to come.
import { act, renderHook, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PageProvider } from '../../src/hooks/use-page';
import { useSuggestions } from '../../src/hooks/use-suggestions';
import { config } from './config';

const VALUES: Record<string, string> = {
  SrcPort: '443',
  DstPort: '443',
  Interfaces: 'wlan0',
  SrcSubnetLabel: 'lan',
  DstSubnetLabel: 'lan',
  SrcK8S_Namespace: 'Demo shop'
};

let held: (() => void)[] | undefined;

beforeEach(() => {
  history.replaceState(null, '', '?filters=&startTime=100&endTime=400');
  held = undefined;
  vi.stubGlobal('fetch', async (address: string) => {
    const field = /fields\/(\w+)\/values/.exec(address)?.[1] ?? '';
    await (held && new Promise<void>(resolve => held!.push(resolve)));
    const prefix = new URL(address, 'http://page').searchParams.get('prefix') ?? '';
    const values = VALUES[field]?.startsWith(prefix) ? [{ value: VALUES[field], count: 5 }] : [];
    return new Response(JSON.stringify({ values }));
  });
});

afterEach(() => vi.unstubAllGlobals());

it.each<[first: string, offered: string, second: string, later: string]>([
  ['port ', 'port 443', 'interface ', 'interface wlan0'],
  ['src la', 'src subnet lan', 'dst la', 'dst subnet lan']
])('after "%s" nothing of it is offered for "%s"', async (first, offered, second, later) => {
  const { result, rerender, unmount } = renderHook(({ text }) => useSuggestions(text, true), {
    initialProps: { text: first },
    wrapper: ({ children }) => <PageProvider config={config}>{children}</PageProvider>
  });
  const texts = () => result.current.suggestions.filter(each => each.isComplete).map(each => each.text);
  await waitFor(() => expect(texts().map(text => text.replaceAll('"', ''))).toEqual([offered]));
  held = [];
  rerender({ text: second });
  // The question is asked, and not answered.
  await waitFor(() => expect(held!.length).toBeGreaterThan(0));
  expect(texts()).toEqual([]);
  act(() => held!.forEach(release => release()));
  held = undefined;
  await waitFor(() => expect(texts().map(text => text.replaceAll('"', ''))).toEqual([later]));
  unmount();
});

it.each<[typed: string, label: string, count: number, isUpTo: boolean]>([
  ['port 4', '443 https', 10, true],
  ['src port 4', '443 https', 5, false],
  ['interface w', 'wlan0', 5, false],
  ['Demo', 'ns "Demo shop"', 5, false],
  ['la', 'subnet lan', 10, true]
])('a flow with a value at both ends may be counted twice, and is not said to be two: %s', async (text, ...offered) => {
  const { result, unmount } = renderHook(() => useSuggestions(text, true), {
    wrapper: ({ children }) => <PageProvider config={config}>{children}</PageProvider>
  });
  const found = () => result.current.suggestions.filter(each => each.isComplete);
  await waitFor(() => expect(found().map(each => [each.label, each.count, each.isUpTo])).toEqual([offered]));
  unmount();
});
