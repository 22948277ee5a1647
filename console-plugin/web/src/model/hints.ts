//! The next step for an error text. Who: error views.
//! **Invariant:** pure; recognises the texts the back end passes on, and returns a translation key.
import { sentence } from './sentence';

const HINTS: [RegExp, string][] = [
  [/promUnsupported/, sentence('Add the missing metrics to the list of included metrics, or enable Loki.')],
  [/promDisabledMetrics/, sentence('Enable the metrics named above.')],
  [/promMissingLabels/, sentence('Remove the filters on the fields named above.')],
  [/max entries limit/, sentence('Lower the limit of rows, or raise max_entries_limit_per_query.')],
  [
    /deadline exceeded|maximum of series|too many outstanding|memory/i,
    sentence('Add filters, or choose a shorter time range or a lower limit.')
  ],
  [/time range exceeds|maximum resolution/, sentence('Choose a shorter time range, or raise max_query_length.')],
  [/input size too long/, sentence('The cluster administrator’s group has too many members for one request.')],
  [/Network Error/, sentence('The back end cannot be reached. Check that it is running, then try again.')],
  [
    /No answer within/,
    sentence('The back end is busy or hangs. Try again; a shorter time range or more filters may help.')
  ],
  [/Stopped before/, sentence('Try again, or choose a shorter time range or more filters.')],
  [/status code 40[13]|user not an admin|Forbidden/, sentence('Check your permissions, or ask an administrator.')],
  [/unauthorized sign/, sentence('A filter value holds a sign that is not allowed; edit that filter.')]
];

export const hintFor = (message: string): string =>
  HINTS.find(([pattern]) => pattern.test(message))?.[1] ??
  sentence('Try again; if it stays, look at the log of the back end.');
