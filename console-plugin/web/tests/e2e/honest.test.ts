//! What the page says when something is missing, late, hidden or hard to write down.
import { selectors, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend, type Backend } from './support/backend';
import { openTab, seriousFindings, shot, startBrowser, visit, type Tab } from './support/browser';
import { office } from './support/traffic';

const SECONDS = 400;
const FLOWS_PER_SECOND = 6;
const HOSTILE = 'a=b;c~d,"e"%3D.test';
const GONE_AFTER_SECONDS = 60;
const REFRESH_HOURLY = JSON.stringify({ 'netflow-traffic-refresh': 3_600_000 });
const DAY_MS = 86_400_000;

let browser: Browser;
let backend: Backend;
/** When the last flows were. */
let filledAt = 0;

beforeAll(async () => {
  selectors.setTestIdAttribute('data-test');
  [browser, backend] = await Promise.all([startBrowser(), startBackend()]);
  const traffic = office(3);
  const now = Date.now();
  filledAt = Math.floor(now / 1000);
  for (let second = SECONDS; second > 0; second -= 20) {
    const lines = Array.from({ length: 20 }, (_, index) =>
      traffic.second(now - (second - index) * 1000, FLOWS_PER_SECOND)
    ).flat();
    await backend.push(lines);
  }
  const [like] = traffic.second(now - GONE_AFTER_SECONDS * 1000, 1);
  await backend.push([
    { ...like!, DnsName: HOSTILE, DnsId: 7, SrcPort: 5353 },
    { ...like!, Interfaces: ['unknown'], SrcMac: '02:99:99:99:99:01', DstMac: '02:99:99:99:99:02', SrcPort: 5354 }
  ]);
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

const withTab = (path: string, test: (tab: Tab) => Promise<void>, options = {}) =>
  visit(browser, backend.page + path, test, options);

/** The last so many seconds with flows, however long the tests before have taken. */
const lastSeconds = (seconds: number) => `&startTime=${filledAt - seconds}&endTime=${filledAt}`;

const rows = (page: Page) => page.locator('tr[id^=netflow-table-row]');

describe('a filter whose value is made of signs', () => {
  it('survives a link, finds its flow, and can be edited', () =>
    withTab('/?view=table&filters=&timeRange=900', async ({ page }) => {
      const input = page.getByRole('combobox', { name: 'Filter' });
      await rows(page).first().waitFor();
      await input.fill(String.raw`dns "a=b;c~d,\"e\"%3D.test"`);
      await input.press('Enter');
      await page.getByText(`DNS name is ${HOSTILE}`).waitFor();
      await expect.poll(() => rows(page).count(), { timeout: 30_000 }).toBe(1);
      const other = await openTab(browser);
      await other.page.goto(page.url());
      await other.page.getByText(`DNS name is ${HOSTILE}`).waitFor();
      await expect.poll(() => rows(other.page).count(), { timeout: 30_000 }).toBe(1);
      await other.page.getByRole('button', { name: `DNS name is ${HOSTILE}`, exact: true }).click();
      await other.page.getByRole('menuitem', { name: 'Edit' }).click();
      await other.page.getByRole('combobox', { name: 'Filter' }).press('Enter');
      await other.page.getByText(`DNS name is ${HOSTILE}`).waitFor();
      await expect.poll(() => other.page.url(), { timeout: 30_000 }).toBe(page.url());
      await other.close();
    }));
});

describe('a back end that hangs', () => {
  const hang = async (tab: Tab, pattern: string) => {
    await tab.page.clock.install();
    await tab.page.route(pattern, () => undefined);
  };
  const wait = async ({ page }: Tab, seconds: number) => page.clock.fastForward(seconds * 1000);

  it('at the start: says so after 10 s, and a click tries again', async () => {
    const tab = await openTab(browser);
    await hang(tab, '**/api/frontend-config');
    await tab.page.goto(backend.page);
    await tab.page.getByTestId('loading-contents').waitFor();
    await wait(tab, 11);
    await tab.page.getByText('No answer within 10 s').waitFor();
    await tab.page.unroute('**/api/frontend-config');
    await tab.page.getByRole('button', { name: 'Try again' }).click();
    await tab.page.getByRole('tab', { name: 'Overview' }).waitFor();
    await tab.close();
  });

  it.each([
    ['table', '**/api/loki/flow/records*'],
    ['overview', '**/api/flow/metrics*'],
    ['topology', '**/api/flow/metrics*']
  ])('in the %s: says so, and a click tries again', async (view, pattern) => {
    const tab = await openTab(browser);
    await hang(tab, pattern);
    const asked = tab.page.waitForRequest(request => /flow\/(records|metrics)/.test(request.url()));
    await tab.page.goto(`${backend.page}/?view=${view}&filters=`);
    await asked;
    await tab.page.getByTestId('loading-contents').or(tab.page.getByTestId('overview-view')).first().waitFor();
    await wait(tab, 6);
    await tab.page.getByText('This takes long.').waitFor();
    await wait(tab, 35);
    await tab.page.getByTestId('error-state').getByText('No answer within 40 s').waitFor();
    if (view !== 'table') {
      await tab.page.getByText('Flows over time could not be loaded').waitFor();
    }
    await shot(tab.page, `${view}-hung`);
    await tab.page.unroute(pattern);
    await tab.page.getByRole('button', { name: 'Try again' }).click();
    await tab.page.getByTestId('error-state').waitFor({ state: 'detached' });
    await tab.close();
  });

  it('can be left before that, and asked again', async () => {
    const tab = await openTab(browser);
    await hang(tab, '**/api/loki/flow/records*');
    await tab.page.goto(`${backend.page}/?view=table&filters=&timeRange=900`);
    await tab.page.getByTestId('loading-contents').waitFor();
    await wait(tab, 6);
    await tab.page.getByRole('button', { name: 'Cancel' }).click();
    await tab.page.getByTestId('error-state').getByText('Stopped before an answer came').waitFor();
    await tab.page.unroute('**/api/loki/flow/records*');
    await tab.page.getByRole('button', { name: 'Try again' }).click();
    await rows(tab.page).first().waitFor();
    await tab.close();
  });
});

describe('the time before', () => {
  it('is said not to be there when nothing was recorded then', () =>
    withTab('/?view=overview&filters=&timeRange=900', async ({ page }) => {
      await page.getByTestId('tile-latency').getByText('no earlier data').waitFor();
      // Of averages that is said with the time since when there is data.
      const tile = page.getByTestId('tile-throughput');
      await tile.getByText(/since \d/).waitFor();
      expect(await tile.innerText()).not.toMatch(/[▲▼]|none before/);
      expect(await page.getByTestId('panel-top_avg_byte_rates').innerText()).not.toMatch(/[▲▼]|\bnew\b/);
    }));

  it('is compared with when it was', () =>
    withTab(`/?view=overview&filters=${lastSeconds(100)}`, async ({ page }) => {
      await page.getByTestId('tile-throughput').getByText(/[▲▼±]/).waitFor();
      expect(await page.getByText('no earlier data').count()).toBe(0);
    }));
});

it('takes the 90th percentile over the whole range, and calls it that', () =>
  withTab(`/?view=overview&filters=${lastSeconds(300)}`, async ({ page }) => {
    const tile = page.getByTestId('tile-latency');
    await tile.getByText(/now .* peak/).waitFor();
    expect(await tile.innerText()).toMatch(/90th percentile/);
    expect(await tile.innerText()).not.toMatch(/average/);
    const shown = Number(/([\d.]+) ms/.exec(await tile.innerText())![1]);
    const query = `type=TimeFlowRttNs&function=p90&aggregateBy=app&step=300s${lastSeconds(300)}`;
    const answer = await page.evaluate(
      async path => (await (await fetch(path)).json()) as { result: { values: [number, string][] }[] },
      `/api/flow/metrics?${query}`
    );
    const wanted = Number(answer.result[0]!.values.at(-1)![1]);
    expect(Math.abs(shown - wanted) / wanted).toBeLessThan(0.1);
  }));

describe('what is missing', () => {
  it('is told apart: lost, not accounted for, not running', async () => {
    const tab = await openTab(browser);
    const { page } = tab;
    const now = Date.now();
    await page.route('**/api/losses*', route =>
      route.fulfill({
        json: {
          components: ['ebpf-agent', 'flowlogs-pipeline'],
          intervals: [
            {
              component: 'ebpf-agent',
              cause: 'map full',
              amount: 1234,
              unit: 'packets',
              from: now - 165_000,
              to: now - 150_000
            },
            {
              component: 'ebpf-agent',
              cause: 'queue full',
              amount: 10,
              unit: 'records',
              from: now - 165_000,
              to: now - 150_000
            }
          ],
          losses: [
            { component: 'ebpf-agent', cause: 'map full', amount: 1234, unit: 'packets' },
            { component: 'ebpf-agent', cause: 'queue full', amount: 10, unit: 'records' }
          ],
          neverSeen: [{ component: 'flowlogs-pipeline', since: now - 200_000 }],
          unaccounted: [{ component: 'ebpf-agent', from: now - 90_000, to: now - 60_000 }]
        }
      })
    );
    // A range that ends now would move on under the pointer.
    const end = Math.floor(now / 1000);
    await page.goto(`${backend.page}/?view=overview&filters=&startTime=${end - 300}&endTime=${end}`);
    const strip = page.locator('.netobserv-strip');
    await strip.getByText('ebpf-agent lost 1,234 packets (map full), ebpf-agent lost 10 flows (queue full)').waitFor();
    await strip.getByText('flowlogs-pipeline not running').waitFor();
    // Two causes in the same time are one mark, and it does not look like time nobody counted.
    const [silent, lost] = [strip.locator('.netobserv-mark-unaccounted'), strip.locator('.netobserv-mark-lost')];
    expect(await Promise.all([silent.count(), lost.count()])).toEqual([1, 1]);
    expect(await silent.getAttribute('fill')).not.toBe(await lost.locator('rect').first().getAttribute('fill'));
    await page.getByTestId('panel-byte_rates').getByText('partial').waitFor();
    await shot(page, 'overview-losses');
    expect(await seriousFindings(page)).toEqual([]);
    await page
      .getByRole('button', {
        name: '1,234 packets, 10 flows lost · 30s not accounted for · flowlogs-pipeline not running'
      })
      .click();
    await page.getByText('flowlogs-pipeline has never answered').waitFor();
    const box = (await strip.boundingBox())!;
    await page.mouse.move(box.x + box.width * (1 - 75 / 300), box.y + 10);
    await strip.getByText('ebpf-agent not accounted for').waitFor();
    await page.mouse.move(box.x + box.width * (1 - 157 / 300), box.y + 10);
    const tip = strip.locator('.netobserv-strip-tip');
    await tip.getByText('ebpf-agent lost 1,234 packets (map full), ebpf-agent lost 10 flows (queue full)').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('flowlogs-pipeline has never answered').waitFor({ state: 'detached' });
    await shot(page, 'overview-losses-tip');
    for (const at of [1, box.width - 1]) {
      await page.mouse.move(box.x + at, box.y + 10);
      const { x, width } = (await tip.boundingBox())!;
      expect(x >= box.x - 1 && x + width <= box.x + box.width + 1).toBe(true);
    }
    await tab.close();
  });

  it('fits the window however often everything was restarted', async () => {
    const tab = await openTab(browser, { viewport: { width: 1024, height: 600 } });
    const { page } = tab;
    const now = Date.now();
    const unaccounted = Array.from({ length: 10 }, (_, index) => now - (index + 1) * 25_000).flatMap(from =>
      ['ebpf-agent', 'flowlogs-pipeline', 'plugin-backend'].map(component => ({ component, from, to: from + 300 }))
    );
    await page.route('**/api/losses*', route =>
      route.fulfill({ json: { components: ['ebpf-agent'], intervals: [], losses: [], neverSeen: [], unaccounted } })
    );
    await page.goto(`${backend.page}/?view=overview&filters=src_address%3D10.20.0.2&timeRange=300`);
    await page.getByTestId('tile-throughput').getByText('partial').waitFor();
    await shot(page, 'overview-unaccounted');
    await page.getByRole('button', { name: /not accounted for/ }).click();
    const list = page.getByRole('list', { name: 'What is missing' });
    await list.getByText('more').waitFor();
    expect((await list.boundingBox())!.height).toBeLessThanOrEqual(300);
    expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(0);
    await shot(page, 'overview-what-is-missing');
    expect(await seriousFindings(page)).toEqual([]);
    await tab.close();
  });

  it('is not known when the back end does not tell', async () => {
    const tab = await openTab(browser);
    await tab.page.route('**/api/losses*', route => route.fulfill({ status: 503, body: '{"message":"busy"}' }));
    await tab.page.goto(`${backend.page}/?view=table&filters=`);
    await tab.page.getByText('Losses not known').waitFor();
    await tab.close();
  });
});

it.each(['overview', 'table', 'topology'])(
  'in the %s, flows that are not stored are told with the next step',
  async view => {
    const tab = await openTab(browser);
    const { page } = tab;
    const reason = "the store's disk is full: free some space or lower store.retention.bytes";
    const refusal = { kind: 'disk_full', reason, room: { free: 7_340_032, needed: 135_266_304 } };
    let told: object = { refusal };
    await page.route('**/api/status', async route => {
      const answer = await route.fetch();
      const status = (await answer.json()) as { loki: object };
      await route.fulfill({ json: { ...status, loki: { ...status.loki, ...told } } });
    });
    await page.goto(`${backend.page}/?view=${view}&filters=`);
    const notice = page.getByTestId('not-stored');
    await notice.getByText('their disk is full, 7.3 MB are free and 135.3 MB are needed').waitFor();
    expect(await notice.innerText()).not.toContain('store.');
    await page.locator('.netobserv-summary').getByText('New flows are not stored').waitFor();
    expect(await page.getByText('Nothing lost').count()).toBe(0);
    await shot(page, `not-stored-${view}`);
    expect(await seriousFindings(page)).toEqual([]);
    // The disk itself refused; another reason; none.
    told = { refusal: { kind: 'disk_full', reason } };
    await page.keyboard.press('r');
    await notice.getByText('their disk is full. Delete').waitFor();
    told = { refusal: { kind: 'busy', reason: 'the store is busy' } };
    await page.keyboard.press('r');
    await notice.getByText('New flows are not stored: the store is busy').waitFor();
    told = {};
    await page.keyboard.press('r');
    await notice.waitFor({ state: 'detached' });
    await page.getByText('New flows are not stored').waitFor({ state: 'detached' });
    await tab.close();
  }
);

it('shows the first flows without waiting for the next refresh', async () => {
  const [fresh, tab] = await Promise.all([startBackend(), openTab(browser)]);
  try {
    // The next refresh would come long after the test.
    await tab.page.addInitScript(
      settings => localStorage.setItem('netobserv-plugin-settings', settings),
      REFRESH_HOURLY
    );
    await tab.page.goto(`${fresh.page}/?view=table&filters=&timeRange=300`);
    await tab.page.getByTestId('no-results-found').waitFor();
    await tab.page.getByText('The page looks again every 2 sec').waitFor();
    await fresh.push(office(5).second(Date.now() - 1000, 3));
    await tab.page.getByTestId('no-results-found').waitFor({ state: 'detached' });
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
    await fresh.stop();
  }
});

it.each([
  ['overview', '[data-test=overview-view]'],
  ['topology', '.netobserv-topo-node']
])('the %s says that the first flows are arriving, until they have numbers', async (view, numbers) => {
  const [fresh, tab] = await Promise.all([startBackend(), openTab(browser)]);
  try {
    await fresh.push(office(5).second(Date.now() - 500, 3));
    await tab.page.goto(`${fresh.page}/?view=${view}&filters=&timeRange=300`);
    const nothing = tab.page.getByTestId('no-results-found');
    await nothing.getByText('The first flows are arriving').waitFor();
    expect(await tab.page.locator('.netobserv-summary').innerText()).not.toMatch(/\b0 (flows|B|packets|nodes)/);
    await shot(tab.page, `arriving-${view}`);
    await tab.page.locator(numbers).first().or(nothing.getByText('No flows found')).first().waitFor();
    expect(await nothing.count()).toBe(0);
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
    await fresh.stop();
  }
});

it.each(['overview', 'table', 'topology'])('the %s of a young instance says when its data begins', async view => {
  const [fresh, tab] = await Promise.all([startBackend(), openTab(browser)]);
  try {
    const began = Date.now() - 60_000;
    await fresh.push(office(5).second(began, 3));
    await tab.page.goto(`${fresh.page}/?view=${view}&filters=&timeRange=300`);
    const words = await tab.page.getByTestId('began-at').innerText();
    const shown = new Date(`${new Date(began).toDateString()} ${/[\d:]+$/.exec(words.trim())![0]}`).getTime();
    // It is a time of day, and midnight may be between.
    const apart = Math.abs(shown - began) % DAY_MS;
    expect(Math.min(apart, DAY_MS - apart)).toBeLessThan(5000);
    await tab.page.goto(`${fresh.page}/?view=${view}&filters=&timeRange=86400`);
    await tab.page.getByTestId('began-at').getByText(words.trim(), { exact: true }).waitFor();
    if (view === 'overview') {
      for (const tile of ['throughput', 'flows', 'packets']) {
        await tab.page
          .getByTestId(`tile-${tile}`)
          .getByText(/since \d/)
          .waitFor();
      }
    }
    await tab.page.getByTestId('began-at').waitFor();
    await shot(tab.page, `young-${view}`);
    // Of a time after the beginning nothing is said.
    await tab.page.goto(`${fresh.page}/?view=${view}&filters=&timeRange=30`);
    await tab.page.locator('.netobserv-summary').getByText('Updated').waitFor();
    await tab.page.getByTestId('began-at').waitFor({ state: 'detached' });
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
    await fresh.stop();
  }
});

it.each(['overview', 'topology'])('the %s of a day has the flows of its last minutes', async view => {
  const [fresh, tab] = await Promise.all([startBackend(), openTab(browser)]);
  try {
    await fresh.push(office(5).second(Date.now() - 60_000, 3));
    await tab.page.goto(`${fresh.page}/?view=${view}&filters=&timeRange=86400`);
    await tab.page
      .locator(view === 'overview' ? '[data-test=panel-byte_rates] svg' : '.netobserv-topo-node')
      .first()
      .waitFor();
    await tab.page
      .locator('.netobserv-summary')
      .getByText(/^newest flow .+ ago$/)
      .waitFor();
    expect(await tab.page.getByTestId('no-results-found').count()).toBe(0);
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
    await fresh.stop();
  }
});

it('a link that cannot be used is told, with the way on', () =>
  withTab(`/?view=table&filters=bogus%3D1${'x'.repeat(4000)}&startTime=200&endTime=100`, async ({ page }) => {
    const notice = page.getByTestId('unusable-link');
    await notice.getByText('bogus=1').waitFor();
    // However long the link is, the ways out are one line each, and the page is still there.
    for (const way of ['Go back', 'Continue without']) {
      expect((await notice.getByRole('button', { name: way }).boundingBox())!.height).toBeLessThan(40);
    }
    expect((await notice.boundingBox())!.height).toBeLessThan(150);
    expect(await seriousFindings(page)).toEqual([]);
    await notice.getByRole('button', { name: 'Continue without' }).click();
    await notice.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('bogus');
  }));

it.each(['overview', 'table', 'topology'])('the %s says how old the newest flow is', view =>
  withTab(`/?view=${view}&filters=&timeRange=900`, async ({ page }) => {
    await page
      .locator('.netobserv-summary')
      .getByText(/^newest flow .+ ago$/)
      .waitFor();
  })
);

it('an interface that is gone is said to be gone, not "unknown"', () =>
  withTab('/?view=table&filters=src_port%3D5354&timeRange=900', async ({ page }) => {
    await expect.poll(() => rows(page).count(), { timeout: 30_000 }).toBe(1);
    expect(await rows(page).innerText()).toContain('interface that is gone');
    await rows(page).click();
    const panel = page.getByTestId('drawer-body');
    await panel.getByText('interface that is gone').waitFor();
    await page.goto(`${backend.page}/?view=overview&filters=src_port%3D5354&timeRange=900`);
    await page.getByTestId('panel-by_Interfaces').getByText('Interfaces that are gone').waitFor();
  }));

it('the figure of an interface is what a click on it shows, also where another one saw the flow first', async () => {
  const [fresh, tab] = await Promise.all([startBackend(), openTab(browser)]);
  const { page } = tab;
  try {
    const [like] = office(5).second(Date.now() - 60_000, 1);
    const passing = (Interfaces: string[], Bytes: number) => ({ ...like!, Interfaces, Bytes, IfDirections: [0] });
    // From before the range, which is then all of it what figures are of.
    const earlier = office(5).second(Date.now() - 400_000, 1);
    await fresh.push([...earlier, passing(['veth1', 'br0', 'eth0'], 6_000_000), passing(['eth0'], 300_000)]);
    await page.goto(`${fresh.page}/?view=overview&filters=&timeRange=300`);
    const card = page.getByTestId('panel-by_Interfaces');
    await card.getByText('a flow counts at each it passed').waitFor();
    const amounts = async () =>
      (await card.getByRole('listitem').allInnerTexts()).map(text => text.replaceAll('\n', ' '));
    await expect
      .poll(amounts, { timeout: 30_000 })
      .toEqual([
        expect.stringMatching(/^eth0 .*21 kBps/),
        expect.stringMatching(/^br0 .*20 kBps/),
        expect.stringMatching(/^veth1 .*20 kBps/)
      ]);
    await shot(page, 'overview-interfaces');
    await card.getByRole('button', { name: 'eth0', exact: true }).click();
    await page.getByTestId('drawer-body').locator('dd', { hasText: '21 kBps' }).waitFor();
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
    await fresh.stop();
  }
});

describe.each([1440, 1280, 1024])('beside an open panel at %i pixels', width => {
  it('no column of the table is cut, and what lies beyond is counted', () =>
    withTab(
      '/?view=table&filters=&timeRange=900',
      async ({ page }) => {
        await rows(page).first().click();
        await page.getByTestId('drawer-body').waitFor();
        await page.getByRole('button', { name: /^Scroll to \d+ more columns?$/ }).waitFor();
        const cut = await page.evaluate(() => {
          const edge = document.getElementById('table-container')!;
          const right = edge.getBoundingClientRect().left + edge.clientWidth;
          return [...document.querySelectorAll('thead th')]
            .map(head => head.getBoundingClientRect())
            .filter(head => head.left < right - 1 && head.right > right + 1).length;
        });
        expect(cut).toBe(0);
        await shot(page, `flows-panel-${width}`);
        expect(await seriousFindings(page)).toEqual([]);
      },
      { viewport: { width, height: width === 1024 ? 768 : 900 } }
    ));
});
