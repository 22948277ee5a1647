import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANSWER_TIMEOUT_MS, getJson, QUICK_TIMEOUT_MS } from '../../src/api/client';
import { getConfig } from '../../src/api/flows';

type Fetch = (signal: AbortSignal) => Promise<Response>;

/** Never comes, until it is aborted: as a server that hangs. */
const hanging = <T>(signal: AbortSignal) =>
  new Promise<T>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

const serve = (answer: Fetch) =>
  vi.stubGlobal('fetch', (_path: string, { signal }: { signal: AbortSignal }) => answer(signal));

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a server that hangs ends as an error that says so', () => {
  const silent: Fetch = hanging;
  const stuckInTheBody: Fetch = signal =>
    Promise.resolve({ ok: true, json: () => hanging(signal) } as unknown as Response);
  const stuckInTheError: Fetch = signal =>
    Promise.resolve({ ok: false, status: 500, text: () => hanging(signal) } as unknown as Response);
  it.each([
    ['before its answer', silent],
    ['within its answer', stuckInTheBody],
    ['within its refusal', stuckInTheError]
  ])('%s', async (_where, answer) => {
    serve(answer);
    const failed = expect(getJson('/api/x')).rejects.toThrow(`No answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
    await vi.advanceTimersByTimeAsync(ANSWER_TIMEOUT_MS);
    await failed;
  });

  it('sooner for what needs no search', async () => {
    serve(silent);
    const failed = expect(getConfig()).rejects.toThrow(`No answer within ${QUICK_TIMEOUT_MS / 1000} s`);
    await vi.advanceTimersByTimeAsync(QUICK_TIMEOUT_MS);
    await failed;
  });
});

it('hands an answer on that comes at the last moment', async () => {
  serve(async () => {
    await new Promise(resolve => setTimeout(resolve, ANSWER_TIMEOUT_MS - 1));
    return { ok: true, json: () => Promise.resolve('late') } as unknown as Response;
  });
  const answered = expect(getJson('/api/x')).resolves.toBe('late');
  await vi.advanceTimersByTimeAsync(ANSWER_TIMEOUT_MS - 1);
  await answered;
});

it.each(['before', 'after'])('is aborted by the one who asked, %s it was sent', async when => {
  serve(hanging);
  const controller = new AbortController();
  if (when === 'before') {
    controller.abort();
  }
  const aborted = expect(getJson('/api/x', {}, controller.signal)).rejects.toHaveProperty('name', 'AbortError');
  controller.abort();
  await aborted;
});

it('tells a refused connection', async () => {
  serve(() => Promise.reject(new TypeError('Failed to fetch')));
  await expect(getJson('/api/x')).rejects.toThrow('Network Error');
});
