//! Numbers, units and times as people read them; who: everything that draws a value.
//! **Invariant:** pure; SI units by 1000; times in the browser's zone.

/** Capitals only at the start and in abbreviations: `Source IP`, `DNS response code`. */
export const sentenceCase = (name: string): string =>
  name.replace(/(?<=\s)[A-Z](?=[a-z])/g, letter => letter.toLowerCase());

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

const scale = (value: number): [number, string] => {
  let power = 0;
  let scaled = value;
  while (Math.abs(scaled) >= 999.95 && power < PREFIXES.length - 1) {
    scaled /= 1000;
    power += 1;
  }
  return [scaled, PREFIXES[power]!];
};

/** So that what is little is not written as nothing. */
const SMALLEST = 0.001;

const decimals = (value: number, digits: number): string => {
  const rounded = Number(value.toFixed(digits));
  return String(rounded);
};

export const formatSi = (value: number, unit = '', digits = 1): string => {
  const [scaled, prefix] = scale(value);
  const suffix = prefix + unit;
  const isLittle = scaled !== 0 && Math.abs(scaled) < 10 ** -digits;
  const number = !isLittle
    ? decimals(scaled, digits)
    : Math.abs(scaled) < SMALLEST
      ? `< ${SMALLEST}`
      : String(Number(scaled.toPrecision(2)));
  return suffix ? `${number} ${suffix}` : number;
};

export const formatBytes = (value: number): string => formatSi(value, 'B');

export const formatCount = (value: number): string =>
  Math.abs(value) < 100_000 ? Math.round(value).toLocaleString('en-US') : formatSi(value);

/** A duration given in milliseconds, from nanoseconds to days. */
export const formatMs = (ms: number): string => {
  const size = Math.abs(ms);
  if (size === 0) {
    return '0 ms';
  }
  if (size < 0.001) {
    return `${Math.round(ms * 1e6)} ns`;
  }
  if (size < 1) {
    return `${decimals(ms * 1000, size < 0.1 ? 1 : 0)} µs`;
  }
  if (size < 1000) {
    return `${decimals(ms, size < 10 ? 2 : size < 100 ? 1 : 0)} ms`;
  }
  if (size < 60_000) {
    return `${decimals(ms / 1000, 1)} s`;
  }
  return formatSeconds(ms / 1000);
};

/** `1h 2m 3s`, at most two parts. */
export const formatSeconds = (seconds: number): string => {
  const units: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's']
  ];
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [size, name] of units) {
    const count = Math.floor(rest / size);
    if (count && parts.length < 2) {
      parts.push(`${count}${name}`);
    }
    rest -= count * size;
  }
  return parts.join(' ') || '0s';
};

export const formatPercent = (ratio: number): string => {
  const percent = ratio * 100;
  return `${percent !== 0 && Math.abs(percent) < 0.1 ? '< 0.1' : decimals(percent, Math.abs(percent) < 10 ? 1 : 0)} %`;
};

const TIME_METRICS = new Set(['DnsLatencyMs', 'TimeFlowRttNs']);

export const isTimeMetric = (type: string): boolean => TIME_METRICS.has(type);

/** A value of a metric query with its unit. */
export const formatMetric = (value: number, type: string, fn: string): string => {
  if (isTimeMetric(type)) {
    return formatMs(value);
  }
  const suffix = fn === 'rate' ? 'ps' : '';
  switch (type) {
    case 'Bytes':
    case 'PktDropBytes':
      return formatSi(value, `B${suffix}`);
    case 'Packets':
    case 'PktDropPackets':
      return formatSi(value, `P${suffix}`);
    default:
      return formatSi(value);
  }
};

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dateTime = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  timeZoneName: 'short'
});
const shortDateTime = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit'
});

const timeWithZone = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short'
});

/** Once on every view: in which zone all its times are. */
export const formatTimeWithZone = (ms: number): string => timeWithZone.format(ms);
export const formatTimeOfDay = (ms: number): string => timeOfDay.format(ms);
export const formatDateTime = (ms: number): string => dateTime.format(ms);
export const formatShortDateTime = (ms: number): string => shortDateTime.format(ms);

const withYear = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit'
});
const date = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const month = new Intl.DateTimeFormat(undefined, { month: 'short' });
const monthWithYear = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });
const yearAlone = new Intl.DateTimeFormat(undefined, { year: 'numeric' });

export const formatHour = (ms: number): string => hourAndMinute.format(ms);
export const formatDay = (ms: number): string => day.format(ms);
export const formatDate = (ms: number): string => date.format(ms);
export const formatMonth = (ms: number, hasYear = true): string => (hasYear ? monthWithYear : month).format(ms);
export const formatYear = (ms: number): string => yearAlone.format(ms);

const DAY_SECONDS = 86_400;
/** In a range as long as this the time of day says little, and the year much. */
const YEARS_SECONDS = 300 * DAY_SECONDS;

/** An end of a range of so many seconds: with its year where that is not the present one. */
export const formatEnd = (ms: number, rangeSeconds: number, nowMs: number): string => {
  const [year, present] = [ms, nowMs].map(each => new Date(each).getFullYear());
  const format = rangeSeconds > YEARS_SECONDS ? date : year === present ? shortDateTime : withYear;
  return format.format(ms);
};

/** A time within a range of so many seconds: with its date where the range has several, and its year where it may. */
export const formatWithin = (ms: number, rangeSeconds: number): string =>
  rangeSeconds > YEARS_SECONDS
    ? date.format(ms)
    : rangeSeconds > DAY_SECONDS
      ? formatShortDateTime(ms)
      : formatTimeOfDay(ms);

const UNITS: [seconds: number, unit: string][] = [
  [604_800, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second']
];

/** A round duration in words, in the reader's language: `5 min`, `2 wks`. */
export const formatPreset = (seconds: number): string => {
  const [size, unit] = UNITS.find(([each]) => seconds % each === 0) ?? [1, 'second'];
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short' }).format(seconds / size);
};

/** How long ago, coarse enough not to change at every look. */
export const formatAgo = (ms: number, nowMs: number): string => {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 60) {
    return `${seconds}s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  }
  return seconds < 86400 ? formatSeconds(Math.floor(seconds / 60) * 60) : formatShortDateTime(ms);
};
