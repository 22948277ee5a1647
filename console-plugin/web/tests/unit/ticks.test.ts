//! Ticks of time axes, in several time zones: the clock of the tests' machine is no one's.
import { afterEach, describe, expect, test, vi } from 'vitest';

const ZONE = process.env.TZ;
afterEach(() => {
  process.env.TZ = ZONE;
});

/** The model as a browser of that zone loads it. */
const inZone = async (zone: string) => {
  process.env.TZ = zone;
  vi.resetModules();
  return import('../../src/model/ticks');
};

const at = (text: string) => Date.parse(text) / 1000;
const local = (time: number) => {
  const date = new Date(time * 1000);
  const two = (number: number) => String(number).padStart(2, '0');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
};

describe('ticks', () => {
  test.each<[what: string, zone: string, start: string, end: string, most: number, ticks: string[]]>([
    [
      'of minutes are round',
      'Europe/Berlin',
      '2026-03-01T10:00:07Z',
      '2026-03-01T10:05:07Z',
      6,
      ['11:01:00', '11:02:00', '11:03:00', '11:04:00', '11:05:00'].map(time => `2026-03-01 ${time}`)
    ],
    [
      'of minutes are round where the zone is not of whole hours',
      'Asia/Kathmandu',
      '2026-03-01T10:00:07Z',
      '2026-03-01T12:00:00Z',
      4,
      ['16:00:00', '16:30:00', '17:00:00', '17:30:00'].map(time => `2026-03-01 ${time}`)
    ],
    [
      'of hours stay those of the clock when it is set forward',
      'Europe/Berlin',
      '2026-03-28T23:00:00Z',
      '2026-03-29T10:00:00Z',
      6,
      ['00:00:00', '04:00:00', '06:00:00', '08:00:00', '10:00:00', '12:00:00'].map(time => `2026-03-29 ${time}`)
    ],
    [
      'of hours stay those of the clock when it is set back, and none comes twice',
      'Europe/Berlin',
      '2026-10-24T22:00:00Z',
      '2026-10-25T08:00:00Z',
      6,
      ['00:00:00', '02:00:00', '04:00:00', '06:00:00', '08:00:00'].map(time => `2026-10-25 ${time}`)
    ],
    [
      'of a day are midnights, over a change of the clock',
      'America/New_York',
      '2026-10-30T12:00:00Z',
      '2026-11-03T12:00:00Z',
      5,
      ['2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03'].map(day => `${day} 00:00:00`)
    ],
    [
      'of a day without a midnight are its first moment',
      'America/Sao_Paulo',
      '2018-11-03T12:00:00Z',
      '2018-11-05T12:00:00Z',
      3,
      ['2018-11-04 01:00:00', '2018-11-05 00:00:00']
    ],
    [
      'of weeks are Mondays',
      'Europe/Berlin',
      '2026-03-10T00:00:00Z',
      '2026-04-10T00:00:00Z',
      6,
      ['2026-03-16', '2026-03-23', '2026-03-30', '2026-04-06'].map(day => `${day} 00:00:00`)
    ],
    [
      'of months are their first days, over changes of the clock',
      'Europe/Berlin',
      '2026-01-15T00:00:00Z',
      '2026-06-15T00:00:00Z',
      6,
      ['02', '03', '04', '05', '06'].map(month => `2026-${month}-01 00:00:00`)
    ],
    [
      'of a year are its quarters',
      'Pacific/Auckland',
      '2025-11-20T00:00:00Z',
      '2026-11-20T00:00:00Z',
      6,
      ['2026-01-01', '2026-04-01', '2026-07-01', '2026-10-01'].map(day => `${day} 00:00:00`)
    ],
    [
      'of decades are round years',
      'UTC',
      '1995-06-01T00:00:00Z',
      '2026-06-01T00:00:00Z',
      4,
      ['2000', '2010', '2020'].map(year => `${year}-01-01 00:00:00`)
    ],
    ['of a moment are that moment', 'UTC', '2026-06-01T00:00:07Z', '2026-06-01T00:00:07Z', 6, ['2026-06-01 00:00:07']]
  ])('%s', async (_what, zone, start, end, most, ticks) => {
    const { ticksOf } = await inZone(zone);
    expect(ticksOf({ start: at(start), end: at(end) }, most, () => 1).map(({ time }) => local(time))).toEqual(ticks);
  });

  test('are days where a range of days has its midnights, and years where a year begins', async () => {
    const { ticksOf } = await inZone('UTC');
    const labels = (start: string, end: string, most: number) =>
      ticksOf({ start: at(start), end: at(end) }, most, () => 1).map(({ label }) => label);
    expect(labels('2026-11-28T20:00:00Z', '2026-11-29T20:00:00Z', 4)[0]).toMatch(/^Nov 29$|^29 Nov$/);
    expect(labels('2026-12-30T12:00:00Z', '2027-01-02T12:00:00Z', 4)[1]).toMatch(/2027/);
    const months = labels('2026-10-20T00:00:00Z', '2027-02-20T00:00:00Z', 6);
    expect(months.map(label => /\d{4}/.exec(label)?.[0])).toEqual(['2026', undefined, '2027', undefined]);
    expect(labels('2022-06-01T00:00:00Z', '2026-06-01T00:00:00Z', 5)).toEqual(['2023', '2024', '2025', '2026']);
  });

  const ZONES = ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Pacific/Apia'];
  test.each(ZONES)('in %s never touch each other, stay where they are, and are never many', async zone => {
    const { ticksOf, ticksWithin } = await inZone(zone);
    const now = at('2026-11-29T16:25:04Z');
    for (const seconds of [
      10, 300, 3600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000, 157_680_000, 900_000_000
    ]) {
      for (const width of [300, 390, 768, 1440, 2560]) {
        const span = { start: now - seconds, end: now };
        const ticks = ticksWithin(span, width);
        const pixels = ticks.map(({ time }) => ((time - span.start) / seconds) * width);
        expect(ticks.length).toBeLessThanOrEqual(width / 64 + 1);
        pixels.slice(1).forEach((pixel, index) => {
          // A sign is 6 pixels wide, or less.
          const half = [index, index + 1].reduce((sum, at) => sum + ticks[at]!.label.length * 3, 0);
          expect(pixel - pixels[index]!).toBeGreaterThan(half + 8);
        });
        ticks.forEach(({ label }) => expect(label.length).toBeLessThanOrEqual(13));
      }
      const [before, after] = [0, 7].map(shift =>
        ticksOf({ start: now - seconds + shift, end: now + shift }, 8, () => 1).map(({ time }) => time)
      );
      expect(after!.filter(time => time <= now)).toEqual(before!.filter(time => time >= now - seconds + 7));
    }
  });
});
