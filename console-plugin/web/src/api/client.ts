//! The one place that talks HTTP; who: `api/flows.ts`.
//! **Invariant:** only our own back end is asked, every request can be aborted, and a failure is an `ApiError`
//! whose text a person can read.

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

/** Every text of a JSON error body on its own line; a plain body as it is. */
export const errorText = (body: string, status: number): string => {
  try {
    const json: unknown = JSON.parse(body);
    if (json && typeof json === 'object') {
      const lines = Object.entries(json)
        .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
        .map(([key, text]) => (key === 'message' ? text : `${key}: ${text}`));
      if (lines.length) {
        return lines.join('\n');
      }
    }
  } catch {
    // Not JSON: proxies and the authentication layer answer plain text.
  }
  return body.trim() || `status code ${status}`;
};

const request = async (path: string, signal?: AbortSignal): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, { signal, headers: { Accept: 'application/json' } });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new ApiError('Network Error', 0);
  }
  if (!response.ok) {
    throw new ApiError(errorText(await response.text(), response.status), response.status);
  }
  return response;
};

export const getJson = async <T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> => {
  const query = queryString(params);
  const response = await request(query ? `${path}?${query}` : path, signal);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new ApiError(`${path} did not answer JSON; is this address the console back end?`, response.status);
  }
};
