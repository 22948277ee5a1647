//! What is on the page while the answer to a new question is on its way.
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Busy } from '../../src/components/Busy';
import { ActivityProvider } from '../../src/hooks/use-activity';
import { PageProvider } from '../../src/hooks/use-page';
import { useQuery } from '../../src/hooks/use-query';
import { FieldPanels } from '../../src/pages/overview/FieldPanels';
import type { TotalQuery } from '../../src/pages/overview/Tiles';
import { config } from './config';
import { stats } from './stats';

/** One name of 2000 in every metric, at the end of the range. */
const answer = (address: string): Response => {
  const params = new URL(address, 'http://page').searchParams;
  const result = [{ metric: { [params.get('aggregateBy')!]: '6' }, values: [[Number(params.get('endTime')), '2000']] }];
  return new Response(JSON.stringify({ resultType: 'matrix', result, stats, unixTimestamp: 0 }));
};

beforeEach(() => {
  localStorage.clear();
  history.replaceState(null, '', '?filters=&startTime=100&endTime=400');
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('keeps the unit of its own question, dimmed, until the new one is answered', async () => {
  const fetched = vi.fn((address: string) => Promise.resolve(answer(address)));
  vi.stubGlobal('fetch', fetched);
  const none = {} as TotalQuery;
  const totals = { Bytes: { overTime: none, whole: 4000 }, Packets: { overTime: none, whole: 2000 } };
  const panels = (type: 'Bytes' | 'Packets') => (
    <PageProvider config={{ ...config, fields: [...config.fields, { name: 'Proto', type: 'number' }] }}>
      <FieldPanels type={type} totals={totals} />
    </PageProvider>
  );
  const page = render(panels('Bytes'));
  const protocols = screen.getByRole('region', { name: 'Protocols' });
  await waitFor(() => expect(protocols.textContent).toMatch(/TCP50 %2 kBps/));
  expect(protocols.querySelector('.netobserv-stale')).toBeNull();

  let release = () => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  fetched.mockImplementation((address: string) => held.then(() => answer(address)));
  page.rerender(panels('Packets'));
  expect(protocols.textContent).toMatch(/TCP50 %2 kBps/);
  expect(protocols.querySelector('.netobserv-stale')).not.toBeNull();

  await act(async () => {
    release();
    await held;
  });
  await waitFor(() => expect(protocols.textContent).toMatch(/TCP100 %2 kPps/));
  expect(protocols.querySelector('.netobserv-stale')).toBeNull();
  page.unmount();
});

it('is one thing to wait for and to stop, however many questions it is', () => {
  vi.useFakeTimers();
  const signals: AbortSignal[] = [];
  const Question = ({ name }: { name: string }) => {
    useQuery(name, 0, signal => {
      signals.push(signal);
      return new Promise<never>(() => {});
    });
    return null;
  };
  const view = render(
    <ActivityProvider>
      <Question name="a" />
      <Question name="b" />
      <Busy />
    </ActivityProvider>
  );
  expect(screen.queryByRole('status')).toBeNull();
  act(() => {
    vi.advanceTimersByTime(5000);
  });
  fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(signals.map(signal => signal.aborted)).toEqual([true, true]);
  expect(screen.queryByRole('status')).toBeNull();
  view.unmount();
});
