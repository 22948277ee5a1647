//! The overview and the topology in a real browser on the real back end.
import { selectors, type Browser, type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend, type Backend } from './support/backend';
import { openTab, seriousFindings, shot, startBrowser, visit, type Tab } from './support/browser';
import { office } from './support/traffic';

const SECONDS = 600;
const FLOWS_PER_SECOND = 12;
const MANY = 7;

let browser: Browser;
let few: Backend;
let many: Backend;
let sentBytes = 0;

const fill = async (backend: Backend, scale: number, rate: number): Promise<number> => {
  const traffic = office(7, scale);
  const now = Date.now();
  let bytes = 0;
  for (let second = SECONDS; second > 0; second -= 20) {
    const lines = Array.from({ length: 20 }, (_, index) => traffic.second(now - (second - index) * 1000, rate)).flat();
    bytes += lines.reduce((sum, line) => sum + Number(line.Bytes), 0);
    await backend.push(lines);
  }
  return bytes;
};

beforeAll(async () => {
  selectors.setTestIdAttribute('data-test');
  [browser, few, many] = await Promise.all([startBrowser(), startBackend(), startBackend()]);
  sentBytes = await fill(few, 1, FLOWS_PER_SECOND);
  await fill(many, MANY, FLOWS_PER_SECOND * MANY);
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([few?.stop(), many?.stop()]);
});

const withTab = (url: string, test: (tab: Tab) => Promise<void>, options = {}) => visit(browser, url, test, options);

const DARK_SMALL = { colorScheme: 'dark', viewport: { width: 1024, height: 768 } };
const overview = (query = '') => `${few.page}/?view=overview&filters=&timeRange=900${query}`;
const topology = (backend: Backend, query = '') => `${backend.page}/?view=topology&filters=&timeRange=900${query}`;
const UNITS: Record<string, number> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

const parsed = (text: string): number => {
  const [, number = '', prefix = ''] = /([\d.]+) ([kMG]?)B\n/.exec(text) ?? [];
  return Number(number) * UNITS[prefix]!;
};

const panel = ({ page }: Tab, id: string): Locator => page.getByTestId(`panel-${id}`);
const nodes = ({ page }: Tab): Locator => page.locator('.netobserv-topo-node');
const placesOf = (tab: Tab): Promise<string[]> =>
  nodes(tab).evaluateAll(list => list.map(node => `${node.textContent} ${node.getAttribute('transform')}`).sort());

/** The share of nodes that stand inside of the drawing's frame. */
const shareInView = ({ page }: Tab): Promise<number> =>
  page.evaluate(() => {
    const frame = document.querySelector('.netobserv-canvas')!.getBoundingClientRect();
    const places = [...document.querySelectorAll('.netobserv-topo-node')].map(node => node.getBoundingClientRect());
    const isInside = (place: DOMRect) =>
      place.top >= frame.top && place.bottom <= frame.bottom && place.left >= frame.left && place.right <= frame.right;
    return places.filter(isInside).length / places.length;
  });

describe('the overview', () => {
  it('says what was sent, who talks to whom, and how well', () =>
    withTab(overview(), async tab => {
      const { page } = tab;
      await panel(tab, 'byte_rates').locator('canvas').waitFor();
      for (const id of ['top_avg_byte_rates', 'by_DstPort', 'rcode_dns_latency_flows', 'slowest_dns_names']) {
        await panel(tab, id).getByRole('listitem').first().waitFor();
      }
      await panel(tab, 'top_p90_rtt').locator('svg rect').first().waitFor();
      await expect.poll(() => page.locator('.netobserv-summary').innerText(), { timeout: 30_000 }).toMatch(/B\n/);
      const shown = parsed(await page.locator('.netobserv-summary').innerText());
      expect(shown / sentBytes).toBeGreaterThan(0.85);
      expect(shown / sentBytes).toBeLessThan(1.05);
      await shot(page, 'overview');
      expect(await seriousFindings(page)).toEqual([]);
    }));

  it('explains a name beside the charts, filters on it there, and the back button takes it back', () =>
    withTab(overview('&scope=address'), async tab => {
      const { page } = tab;
      await panel(tab, 'by_DstPort').getByRole('button', { name: '443 https', exact: true }).click();
      const details = page.getByTestId('drawer-body');
      await details.getByRole('heading', { name: '443 https' }).waitFor();
      await details.locator('canvas').waitFor();
      // Of the address only what the page writes: the port is any.
      expect(new URL(page.url()).search).not.toContain('443');
      await shot(page, 'overview-port');
      expect(await seriousFindings(page)).toEqual([]);
      await details.getByRole('button', { name: 'Filter on it' }).click();
      await page.waitForURL(/filters=port%3D443/);
      await page.getByLabel('Active filters').getByText('443 https').waitFor();
      await page.goBack();
      await page.waitForURL(url => !url.search.includes('443'));
    }));

  it('goes from a pair to one of its ends, and from there to another pair', () =>
    withTab(overview('&scope=address'), async tab => {
      const { page } = tab;
      const pair = panel(tab, 'top_avg_byte_rates').getByRole('button').first();
      const [source] = (await pair.innerText()).split(' → ');
      await pair.click();
      const details = page.getByTestId('drawer-body');
      await details.getByRole('button', { name: 'Show only this pair' }).waitFor();
      await shot(page, 'overview-pair');
      await details.getByRole('button', { name: source, exact: true }).click();
      await details.getByText('Received').first().waitFor();
      await details.getByRole('list', { name: 'Who talks to whom' }).getByRole('button').first().click();
      await details.getByRole('button', { name: 'Show only this pair' }).click();
      await page.waitForURL(/match=bidirectional/);
      await page.keyboard.press('Escape');
      await details.waitFor({ state: 'detached' });
    }));

  it('excludes from the context menu', () =>
    withTab(overview('&scope=address'), async tab => {
      const { page } = tab;
      const name = panel(tab, 'by_Proto').getByRole('button', { name: 'UDP', exact: true });
      await name.click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Exclude it' }).click();
      await page.waitForURL(/filters=protocol%21%3D17/);
      await name.waitFor({ state: 'detached' });
    }));

  it('shows a chart as a table', () =>
    withTab(overview(), async tab => {
      const chart = panel(tab, 'byte_rates');
      await chart.getByRole('button', { name: 'Traffic over time as a table' }).click();
      await expect.poll(() => chart.getByRole('row').count(), { timeout: 30_000 }).toBeGreaterThan(10);
    }));

  it('neither shows nor advises what the agent cannot record', () =>
    withTab(overview(), async tab => {
      await panel(tab, 'byte_rates').waitFor();
      expect(await tab.page.getByTestId('tile-drops').count()).toBe(0);
      expect(await tab.page.getByText('ENABLE_PKT_DROPS').count()).toBe(0);
    }));

  it('keeps the other panels when one question fails', async () => {
    const tab = await openTab(browser);
    await tab.page.route(/\/fields\/Interfaces\/values/, route =>
      route.fulfill({ status: 503, body: '{"message":"store is busy"}' })
    );
    await tab.page.goto(overview());
    await panel(tab, 'by_Interfaces').getByText('store is busy').waitFor();
    await panel(tab, 'by_DstPort').getByRole('listitem').first().waitFor();
    await tab.close();
  });

  it('is readable in the dark and on a small screen, also after a change of the theme', () =>
    withTab(
      overview('&limit=10'),
      async tab => {
        const { page } = tab;
        await panel(tab, 'byte_rates').locator('canvas').waitFor();
        await panel(tab, 'top_avg_byte_rates').getByRole('listitem').first().waitFor();
        await shot(page, 'overview-dark-1024');
        expect(await seriousFindings(page)).toEqual([]);
        await page.getByRole('button', { name: 'Light theme' }).click();
        await page.getByRole('button', { name: 'Dark theme' }).waitFor();
        await page.waitForFunction(() => document.getAnimations().every(each => each.playState !== 'running'));
        await shot(page, 'overview-light-1024');
        expect(await seriousFindings(page)).toEqual([]);
      },
      DARK_SMALL
    ));
});

describe('the topology', () => {
  it('draws addresses in their subnets and marks slow connections', () =>
    withTab(topology(few, '&scope=address'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      expect(await nodes(tab).count()).toBe(43);
      expect(await page.locator('.netobserv-topo-group').count()).toBe(5);
      await page.locator('.netobserv-topo-problem').first().waitFor();
      await shot(page, 'topology');
      expect(await seriousFindings(page)).toEqual([]);
    }));

  it('does not move for a refresh', () =>
    withTab(topology(few, '&scope=address'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      const summary = page.locator('.netobserv-summary');
      await summary.getByText('Updated').waitFor();
      const before = await placesOf(tab);
      const updated = await summary.innerText();
      await expect
        .poll(
          async () => {
            await page.keyboard.press('r');
            return summary.innerText();
          },
          { timeout: 30_000 }
        )
        .not.toBe(updated);
      expect(await placesOf(tab)).toEqual(before);
    }));

  it('finds a node by name and explains it beside the drawing', () =>
    withTab(topology(few, '&scope=address'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('10.20.0.3');
      await page.getByText('1 / 1').waitFor();
      await page.keyboard.press('Enter');
      const details = page.getByTestId('drawer-body');
      await details.getByRole('heading', { name: '10.20.0.3' }).waitFor();
      await details.locator('canvas').waitFor();
      expect(await page.locator('.netobserv-topo-node.netobserv-dim').count()).toBeGreaterThan(5);
      await shot(page, 'topology-node');
      expect(await seriousFindings(page)).toEqual([]);
      await details.getByRole('list', { name: 'Talks to' }).getByRole('button').first().click();
      await details.getByText('Connection').waitFor();
      await shot(page, 'topology-edge');
      await details.getByRole('button', { name: 'Show its flows' }).click();
      await page.waitForURL(/view=table.*match=bidirectional/);
    }));

  it('keeps the whole picture in view beside the panel of a node', () =>
    withTab(topology(few, '&scope=address'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      await nodes(tab).first().locator('circle').first().click();
      await page.getByTestId('drawer-body').waitFor();
      await expect.poll(() => shareInView(tab), { timeout: 30_000 }).toBe(1);
      await shot(page, 'topology-panel');
    }));

  it('is used with the keyboard alone', () =>
    withTab(topology(few, '&scope=address'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      await page.getByRole('application').focus();
      await page.keyboard.press('ArrowRight');
      const title = page.getByTestId('drawer-body').getByRole('heading').first();
      await title.waitFor();
      const first = await title.textContent();
      for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp']) {
        await page.keyboard.press(key);
        if ((await title.textContent()) !== first) {
          break;
        }
      }
      expect(await title.textContent()).not.toBe(first);
      await page.keyboard.press('Escape');
      await title.waitFor({ state: 'detached' });
    }));

  it('closes the groups of a large graph and opens them on demand', () =>
    withTab(topology(many, '&scope=address&limit=1000&small=show'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      const closed = await nodes(tab).count();
      expect(closed).toBeLessThan(130);
      await shot(page, 'topology-many');
      await page
        .getByRole('button', { name: 'Not grouped' })
        .or(page.getByRole('button', { name: /^Groups:/ }))
        .click();
      await page.getByRole('option', { name: 'Not grouped' }).click();
      await page.waitForURL(/group=none/);
      await page.waitForFunction(
        count => document.querySelectorAll('.netobserv-topo-node').length > count,
        closed + 100
      );
      expect(await nodes(tab).count()).toBeGreaterThan(250);
      expect(await shareInView(tab)).toBe(1);
      await shot(page, 'topology-300-not-grouped');
    }));

  it('leaves out what is too small, says so, and shows it on demand', () =>
    withTab(topology(few, '&scope=address&group=none'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      const drawn = await page.locator('.netobserv-topo-edge').count();
      const control = page.getByRole('button', { name: /^\d+ smaller ones? hidden, .+ of the traffic$/ });
      const hidden = Number.parseInt(await control.innerText(), 10);
      await shot(page, 'topology-small-hidden');
      expect(await seriousFindings(page)).toEqual([]);
      await control.click();
      await page.waitForURL(/small=show/);
      await page.waitForFunction(
        count => document.querySelectorAll('.netobserv-topo-edge').length === count,
        drawn + hidden
      );
      await shot(page, 'topology-small-shown');
      await page.getByRole('button', { name: 'Hide the smaller ones' }).click();
      await page.waitForFunction(count => document.querySelectorAll('.netobserv-topo-edge').length === count, drawn);
    }));

  it('shows all of the new picture after a change of the scope', () =>
    withTab(topology(few, '&scope=subnet'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      expect(await nodes(tab).count()).toBe(5);
      await page.locator('#scope-dropdown').click();
      await page.getByRole('option', { name: 'Address' }).click();
      await page.waitForFunction(() => document.querySelectorAll('.netobserv-topo-node').length === 43);
      expect(await shareInView(tab)).toBe(1);
    }));

  it('shows the same as a list', () =>
    withTab(topology(few, '&scope=subnet'), async tab => {
      const { page } = tab;
      await nodes(tab).first().waitFor();
      const edges = await page.locator('.netobserv-topo-edge').count();
      await page.getByRole('button', { name: 'Show as a list' }).click();
      const list = page.getByTestId('topology-list');
      expect(await list.getByRole('row').count()).toBe(edges + 1);
      await shot(page, 'topology-list');
      expect(await seriousFindings(page)).toEqual([]);
    }));

  it('is readable in the dark and on a small screen', () =>
    withTab(
      topology(few, '&scope=address'),
      async tab => {
        await nodes(tab).first().waitFor();
        await tab.page.locator('.netobserv-topo-problem').first().waitFor();
        await shot(tab.page, 'topology-dark-1024');
        expect(await seriousFindings(tab.page)).toEqual([]);
      },
      DARK_SMALL
    ));

  it('says what to do when the question fails', async () => {
    const tab = await openTab(browser);
    await tab.page.route(/aggregateBy=subnet/, route =>
      route.fulfill({ status: 503, body: '{"message":"context deadline exceeded"}' })
    );
    await tab.page.goto(topology(few, '&scope=subnet'));
    await tab.page.getByText('choose a shorter time range').waitFor();
    await tab.close();
  });
});
