//! The one place that talks HTTP; who: `api/flows.ts`.
//! **Invariant:** only our own back end is asked, every request can be aborted and ends by itself in a bounded time,
//! and a failure is an `ApiError` whose text a person can read.

/** For questions about flows: over the 30 s after which the back end itself gives up, so that its words arrive first. */
export const ANSWER_TIMEOUT_MS = 40_000;
/** For what the back end knows by heart. */
export const QUICK_TIMEOUT_MS = 10_000;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Params = Record<string, string | number | undefined>;

export const queryString = (params: Params): string =>
  Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`)
    .join('&');

/** What NetObserv's interface puts before the words of the source, which say it all. */
const LOKI_PREFIX = /^(?:Loki query failed: )?Error from Loki query: \[\d+\] Loki message: /;

/** Every text of a JSON error body on its own line; a plain body as it is. */
export const errorText = (body: string, status: number): string => {
  try {
    const json: unknown = JSON.parse(body);
    if (json && typeof json === 'object') {
      const lines = Object.entries(json)
        .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
        .map(([key, text]) => (key === 'message' ? text.replace(LOKI_PREFIX, '') : `${key}: ${text}`));
      if (lines.length) {
        return lines.join('\n');
      }
    }
  } catch {
    // Not JSON: proxies and the authentication layer answer plain text.
  }
  return body.trim() || `status code ${status}`;
};

/** Runs `load` with a signal that also ends it when the time is over. */
const withinTime = async <T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  load: (signal: AbortSignal) => Promise<T>
): Promise<T> => {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, timeoutMs);
  outer?.addEventListener('abort', abort);
  try {
    return await load(controller.signal);
  } catch (error) {
    if (isOver && !outer?.aborted) {
      throw new ApiError(`No answer within ${timeoutMs / 1000} s`, 0);
    }
    throw error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', abort);
  }
};

const request = async (path: string, signal: AbortSignal): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, { signal, headers: { Accept: 'application/json' } });
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new ApiError('Network Error', 0);
  }
  if (!response.ok) {
    throw new ApiError(errorText(await response.text(), response.status), response.status);
  }
  return response;
};

export const getJson = <T>(
  path: string,
  params: Params = {},
  outer?: AbortSignal,
  timeoutMs = ANSWER_TIMEOUT_MS
): Promise<T> =>
  withinTime(timeoutMs, outer, async signal => {
    const query = queryString(params);
    const response = await request(query ? `${path}?${query}` : path, signal);
    try {
      return (await response.json()) as T;
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      throw new ApiError(`${path} did not answer JSON; is this address the console back end?`, response.status);
    }
  });
