import { selectors, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend, type Backend } from './support/backend';
import { ELSEWHERE, openTab, seriousFindings, shot, startBrowser, visit, type Tab } from './support/browser';
import { office } from './support/traffic';

const SECONDS = 240;
const FLOWS_PER_SECOND = 12;

let browser: Browser;
let backend: Backend;
let pushed = 0;
/** When the last flows were. */
let filledAt = 0;

beforeAll(async () => {
  selectors.setTestIdAttribute('data-test');
  [browser, backend] = await Promise.all([startBrowser(), startBackend()]);
  const traffic = office(7);
  const now = Date.now();
  filledAt = Math.floor(now / 1000);
  for (let second = SECONDS; second > 0; second -= 20) {
    const lines = Array.from({ length: 20 }, (_, index) =>
      traffic.second(now - (second - index) * 1000, FLOWS_PER_SECOND)
    ).flat();
    pushed += lines.length;
    await backend.push(lines);
  }
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

const withTab = (path: string, test: (tab: Tab) => Promise<void>, options = {}) =>
  visit(browser, backend.page + path, test, options);

const TABLE = '/?view=table&filters=&timeRange=900&limit=10000';
const rowsOf = async ({ page }: Tab) => Number(await page.getByRole('grid').getAttribute('aria-rowcount')) - 1;
const waitForRows = ({ page }: Tab) => page.locator('#netflow-table-row-0').waitFor();

describe('the flow table', () => {
  it('shows every flow that was pushed, and only those in view exist', () =>
    withTab(TABLE, async tab => {
      await waitForRows(tab);
      expect(await rowsOf(tab)).toBe(pushed);
      expect(await tab.page.locator('tr[id^=netflow-table-row]').count()).toBeLessThan(80);
      await shot(tab.page, 'flows-many');
      expect(await seriousFindings(tab.page)).toEqual([]);
    }));

  it('understands what is typed, and the back button takes it back', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.keyboard.press('/');
      await page.keyboard.type('dst port https and tcp');
      await page.keyboard.press('Enter');
      await page.getByText('Destination port is 443 https').waitFor();
      await expect.poll(() => page.url(), { timeout: 30_000 }).toContain('filters=dst_port%3D443%3Bprotocol%3D6');
      await expect.poll(() => rowsOf(tab), { timeout: 30_000 }).toBeLessThan(pushed);
      expect(await rowsOf(tab)).toBeGreaterThan(0);
      await page.goBack();
      await expect.poll(() => rowsOf(tab), { timeout: 30_000 }).toBe(pushed);
    }));

  it('shows every row of one agent, and says how many a second agent told too', async () => {
    // Before the traffic of the other tests.
    const endMs = (Math.floor(Date.now() / 1000) - 7200) * 1000;
    const row = (SrcAddr: string, AgentIP: string, FlowDirection: number, index: number) => ({
      ...{ SrcAddr, SrcPort: 40_000, DstAddr: '10.20.0.2', DstPort: 443, Proto: 6, Bytes: 1000, Packets: 1 },
      ...{ AgentIP, FlowDirection, Interfaces: ['eth0'], IfDirections: [FlowDirection] },
      ...{ TimeFlowStartMs: endMs, TimeFlowEndMs: endMs + index }
    });
    await backend.push([
      ...[0, 1, 0, 1].map((direction, index) => row('192.168.1.2', '10.9.0.1', direction, index)),
      ...[0, 1].map((direction, index) => row('192.168.1.3', `10.9.0.${direction + 1}`, direction, index))
    ]);
    const seconds = endMs / 1000;
    await withTab(`/?view=table&filters=&startTime=${seconds - 60}&endTime=${seconds + 60}`, async tab => {
      await waitForRows(tab);
      expect(await rowsOf(tab)).toBe(5);
      const summary = tab.page.locator('.netobserv-summary');
      await summary.getByText('5 flows').waitFor();
      expect(await summary.innerText()).toMatch(/5(\.0+)?\skB/);
      await shot(tab.page, 'flows-duplicates');
      expect(await seriousFindings(tab.page)).toEqual([]);
      await summary.getByRole('button', { name: '1 duplicate hidden' }).click();
      await tab.page.getByText('Duplicates are shown').waitFor();
      expect(tab.page.url()).toContain('showDup=true');
      expect(await rowsOf(tab)).toBe(6);
    });
  });

  it('completes fields, then values that occur, with counts', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.getByRole('combobox', { name: 'Filter' }).fill('inter');
      await page
        .getByRole('option', { name: /^interface/ })
        .first()
        .click();
      await page.getByRole('option', { name: /br-lan.*flows/ }).waitFor();
      await shot(page, 'flows-completion');
      await page.getByRole('option', { name: /br-lan.*flows/ }).click();
      await page.getByText('Network interfaces is br-lan').waitFor();
    }));

  it('says what it did not understand, and why, and applies nothing of it', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      const input = page.getByRole('combobox', { name: 'Filter' });
      await input.fill('port 443 gibberish');
      await input.press('Enter');
      await page.getByRole('alert').getByText('gibberish').waitFor();
      expect(await input.inputValue()).toBe('port 443 gibberish');
      // What is understood of it is not applied by itself.
      expect(page.url()).toContain('filters=&');
    }));

  it('asks of what a bare word is the name, and keeps all of what it refuses', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      const input = page.getByRole('combobox', { name: 'Filter' });
      await input.fill('dns latency > 100');
      await input.press('Enter');
      await page.getByRole('alert').getByText('There is no such comparison').waitFor();
      expect(await input.inputValue()).toBe('dns latency > 100');
      expect(page.url()).toContain('filters=&');
      await input.fill('wlan0');
      await page.getByRole('option', { name: /^interface wlan0.*flows/ }).waitFor();
      await input.press('Enter');
      await page.getByRole('alert').getByText('as in “interface wlan0”').waitFor();
      expect(await input.inputValue()).toBe('wlan0');
      await input.press('ArrowDown');
      const option = page.getByRole('option', { name: /^interface wlan0.*flows/ });
      await option.waitFor();
      await shot(page, 'flows-bare-word');
      await option.click();
      await page.getByText('Network interfaces is wlan0').waitFor();
      await input.fill('src ser');
      await page.getByRole('option', { name: /^src subnet servers.*flows/ }).waitFor();
    }));

  it('says that it sorts a part of the flows, and how many an export has', () =>
    withTab('/?view=table&filters=&timeRange=900&limit=500', async tab => {
      const { page } = tab;
      await waitForRows(tab);
      const note = page.getByTestId('sorted-part');
      expect(await note.count()).toBe(0);
      await page.getByRole('button', { name: 'Bytes', exact: true }).click();
      await note.getByText(/newest 500 of about 2,[78]\d\d flows/).waitFor();
      await shot(page, 'flows-sorted-part');
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      await page
        .getByText(/All flows, about 2,[78]\d\d, 50,000 at most/)
        .first()
        .waitFor();
      await shot(page, 'flows-export');
      const download = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: 'Export the shown columns as CSV' }).click();
      let text = '';
      for await (const chunk of await (await download).createReadStream()) {
        text += String(chunk);
      }
      expect(text.trim().split('\n')).toHaveLength(pushed + 1);
      await note.getByRole('button', { name: 'Load 1,000 rows' }).click();
      await expect.poll(() => rowsOf(tab), { timeout: 30_000 }).toBe(1000);
    }));

  it('names every field of a flow in its panel, and writes times as times', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.locator('#netflow-table-row-0').click();
      const received = page
        .getByTestId('drawer-body')
        .locator('.netobserv-field', { hasText: 'Received by the pipeline' });
      expect(await received.locator('dd').innerText()).toMatch(/20\d\d.*:\d\d/);
      const names = await page.getByTestId('drawer-body').locator('dt').allInnerTexts();
      expect(names.filter(name => /[a-z][A-Z]|_/.test(name))).toEqual([]);
    }));

  it('is used with the keyboard: rows, panel, exclude', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.locator('#table-container').focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      const panel = page.getByRole('complementary', { name: 'Details' });
      await panel.waitFor();
      await shot(page, 'flows-panel');
      expect(await seriousFindings(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
      await page.keyboard.press('x');
      await page.getByText(/^Destination IP is not/).waitFor();
    }));

  it.each([
    ['of this machine', '127.0.0.1', true],
    ['of another machine, where browsers have no clipboard', ELSEWHERE, false]
  ])('copies from a page %s, and says so', async (_where, host, hasClipboard) => {
    const tab = await openTab(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = tab;
    await page.goto(backend.page.replace('127.0.0.1', host) + TABLE);
    await waitForRows(tab);
    expect(await page.evaluate(() => 'clipboard' in navigator)).toBe(hasClipboard);
    // The notice goes by itself: it is counted, since a slow machine may look too late.
    await page.evaluate(() => {
      const seen = new Set<Element>();
      const notice = document.querySelector('.netobserv-copy-notice')!;
      new MutationObserver(() => {
        const said = notice.firstElementChild;
        if (notice.role === 'status' && said?.textContent?.includes('Copied')) {
          document.body.dataset.copies = String(seen.add(said).size);
        }
      }).observe(notice, { childList: true, subtree: true });
    });
    let copies = 0;
    const copied = async () => {
      copies++;
      await page.locator(`body[data-copies="${copies}"]`).waitFor();
      const input = page.getByRole('combobox', { name: 'Filter' });
      await input.fill('');
      await input.press('Control+v');
      const text = await input.inputValue();
      await input.fill('');
      await input.press('Escape');
      return text;
    };
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Copy link with fixed times' }).click();
    await page.locator('body[data-copies="1"]').waitFor();
    await shot(page, 'flows-copied');
    expect(await copied()).toMatch(/^http:.*&startTime=\d+&endTime=\d+$/);
    await page.locator('#netflow-table-row-0').click();
    const panel = page.getByRole('complementary', { name: 'Details' });
    await panel.getByRole('button', { name: 'Copy IP', exact: true }).first().click();
    expect(await copied()).toMatch(/^[\d.]+$/);
    await page.locator('#netflow-table-row-0').click();
    await panel.getByRole('tab', { name: 'Raw' }).click();
    await panel.getByRole('button', { name: 'Copy', exact: true }).click();
    expect(await copied()).toContain('"DstAddr"');
    await page.locator('#netflow-table-row-1 td').nth(1).click({ button: 'right' });
    await page.getByRole('menuitem', { name: /^Copy/ }).click();
    expect(await copied()).not.toBe('');
    expect(tab.errors).toEqual([]);
    await tab.close();
  });

  it('sorts by a click on the header', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.getByRole('button', { name: 'Bytes', exact: true }).click();
      await page.locator('th[aria-sort=descending]', { hasText: 'Bytes' }).waitFor();
      const column = (await page.locator('thead th').allInnerTexts()).findIndex(text => text.trim() === 'Bytes');
      const first = await page.locator(`#netflow-table-row-0 td`).nth(column).innerText();
      expect(first).toMatch(/MB|kB/);
    }));

  it('narrows the range by a drag over the strip', async () => {
    // A fixed range: one that ends now has ever less flows where the drag is.
    const range = `&startTime=${filledAt - 900}&endTime=${filledAt + 1}`;
    await withTab(`/?view=table&filters=&limit=10000${range}`, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      expect(await rowsOf(tab)).toBe(pushed);
      const box = (await page.locator('.netobserv-strip').boundingBox())!;
      await page.mouse.move(box.x + box.width * 0.8, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.95, box.y + 20, { steps: 5 });
      await page.mouse.up();
      await expect.poll(() => page.url(), { timeout: 30_000 }).not.toContain(range);
      await expect.poll(() => rowsOf(tab), { timeout: 30_000 }).toBeLessThan(pushed);
    });
  });

  it('exports what it shows', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      const download = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: 'Export all columns as CSV' }).click();
      const stream = await (await download).createReadStream();
      let text = '';
      for await (const chunk of stream) {
        text += String(chunk);
      }
      expect(text).toContain('SrcAddr');
      expect(text.trim().split('\n')).toHaveLength(pushed + 1);
    }));

  it('chooses columns', () =>
    withTab(TABLE, async tab => {
      const { page } = tab;
      await waitForRows(tab);
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('textbox', { name: 'Find a column' }).fill('flags');
      await page.getByRole('checkbox', { name: 'TCP flags' }).check();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('columnheader', { name: 'TCP flags' }).waitFor();
    }));

  it('tells the next step where there is nothing', () =>
    withTab('/?view=table&filters=address%3D198.51.100.99&timeRange=300', async tab => {
      await tab.page.getByTestId('no-results-found').or(tab.page.locator('[data-test=no-results-found]')).waitFor();
      await shot(tab.page, 'flows-empty');
      expect(await seriousFindings(tab.page)).toEqual([]);
      await tab.page.getByRole('button', { name: 'Clear all filters' }).first().click();
      await waitForRows(tab);
    }));

  it('tells the next step where the back end refuses', async () => {
    const tab = await openTab(browser);
    await tab.page.route('**/api/loki/flow/records*', route =>
      route.fulfill({ status: 400, body: '{"message":"context deadline exceeded"}' })
    );
    await tab.page.goto(backend.page + TABLE);
    await tab.page.locator('[data-test=error-state]').getByText('context deadline exceeded').waitFor();
    await tab.page.getByText('choose a shorter time range').waitFor();
    await shot(tab.page, 'flows-error');
    await tab.close();
  });

  it('is readable in the dark and on a small screen', () =>
    withTab(
      TABLE,
      async tab => {
        await waitForRows(tab);
        await shot(tab.page, 'flows-dark-1024');
        expect(await seriousFindings(tab.page)).toEqual([]);
      },
      { colorScheme: 'dark', viewport: { width: 1024, height: 768 } }
    ));

  it('asks no other server for anything', async () => {
    const tab = await openTab(browser);
    const foreign: string[] = [];
    tab.page.on('request', request => {
      if (!request.url().startsWith(backend.page) && !request.url().startsWith('data:')) {
        foreign.push(request.url());
      }
    });
    await tab.page.goto(backend.page + TABLE);
    await waitForRows(tab);
    expect(foreign).toEqual([]);
    await tab.close();
  });
});
