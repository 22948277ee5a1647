import { act, renderHook, waitFor } from '@testing-library/react';
import { expect, it } from 'vitest';
import { useQuery } from '../../src/hooks/use-query';

interface Call {
  signal: AbortSignal;
  answer: (text: string) => void;
  fail: (error: Error) => void;
}

const fakeLoad = () => {
  const calls: Call[] = [];
  const load = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      calls.push({ signal, answer: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  return { calls, load };
};

const start = (key: string | undefined) => {
  const { calls, load } = fakeLoad();
  const hook = renderHook(({ key, tick }) => useQuery(key, tick, load), {
    initialProps: { key, tick: 0 }
  });
  return { calls, ...hook };
};

it('keeps the last answer while the next one is fetched', async () => {
  const { calls, result, rerender } = start('a');
  expect(result.current.isLoading).toBe(true);
  act(() => calls[0]!.answer('first'));
  await waitFor(() => expect(result.current).toMatchObject({ data: 'first', isLoading: false }));
  rerender({ key: 'a', tick: 1 });
  expect(result.current).toMatchObject({ data: 'first', isLoading: true });
  act(() => calls[1]!.answer('second'));
  await waitFor(() => expect(result.current.data).toBe('second'));
});

it('aborts what is no longer wanted, and never shows its answer', async () => {
  const { calls, result, rerender } = start('a');
  rerender({ key: 'b', tick: 0 });
  expect(calls[0]!.signal.aborted).toBe(true);
  act(() => {
    calls[0]!.answer('old');
    calls[1]!.answer('new');
  });
  await waitFor(() => expect(result.current.data).toBe('new'));
});

it('does not ask again while an answer is still to come', () => {
  const { calls, rerender } = start('a');
  rerender({ key: 'a', tick: 1 });
  rerender({ key: 'a', tick: 2 });
  expect(calls).toHaveLength(1);
});

it('tells an error, and forgets it with the next good answer', async () => {
  const { calls, result, rerender } = start('a');
  act(() => calls[0]!.fail(new Error('no')));
  await waitFor(() => expect(result.current.error?.message).toBe('no'));
  rerender({ key: 'a', tick: 1 });
  act(() => calls[1]!.answer('yes'));
  await waitFor(() => expect(result.current.data).toBe('yes'));
  expect(result.current.error).toBeUndefined();
});

it('is not an error to cancel a refresh', async () => {
  const { calls, result, rerender } = start('a');
  act(() => calls[0]!.answer('first'));
  await waitFor(() => expect(result.current.data).toBe('first'));
  rerender({ key: 'a', tick: 1 });
  act(() => result.current.cancel());
  expect(calls[1]!.signal.aborted).toBe(true);
  await waitFor(() => expect(result.current.isLoading).toBe(false));
  expect(result.current.data).toBe('first');
  expect(result.current.error).toBeUndefined();
});

it('says that it was stopped where nothing has come yet, and asks again at the next tick', async () => {
  const { calls, result, rerender } = start('a');
  act(() => result.current.cancel());
  await waitFor(() => expect(result.current.error?.message).toBe('Stopped before an answer came'));
  rerender({ key: 'a', tick: 1 });
  act(() => calls[1]!.answer('yes'));
  await waitFor(() => expect(result.current).toMatchObject({ data: 'yes', isLoading: false }));
  expect(result.current.error).toBeUndefined();
});

it('asks nothing without a key, and stops when it is gone', () => {
  expect(start(undefined).calls).toHaveLength(0);
  const { calls, unmount } = start('a');
  unmount();
  expect(calls[0]!.signal.aborted).toBe(true);
});

it('keeps the last answer, as stale, when refreshing it fails', async () => {
  const { calls, result, rerender } = start('a');
  act(() => calls[0]!.answer('first'));
  await waitFor(() => expect(result.current).toMatchObject({ data: 'first', isStale: false }));
  rerender({ key: 'a', tick: 1 });
  act(() => calls[1]!.fail(new Error('gone')));
  await waitFor(() => expect(result.current).toMatchObject({ data: 'first', isStale: true }));
  expect(result.current.error?.message).toBe('gone');
  rerender({ key: 'a', tick: 2 });
  act(() => calls[2]!.answer('second'));
  await waitFor(() => expect(result.current).toMatchObject({ data: 'second', isStale: false }));
  expect(result.current.error).toBeUndefined();
});

it('never shows the answer to an older question beside the error of a newer one', async () => {
  const { calls, result, rerender } = start('a');
  act(() => calls[0]!.answer('first'));
  await waitFor(() => expect(result.current.data).toBe('first'));
  rerender({ key: 'b', tick: 0 });
  expect(result.current).toMatchObject({ data: 'first', isStale: true });
  act(() => calls[1]!.fail(new Error('gone')));
  await waitFor(() => expect(result.current.error?.message).toBe('gone'));
  expect(result.current.data).toBeUndefined();
  expect(result.current.isStale).toBe(false);
});
