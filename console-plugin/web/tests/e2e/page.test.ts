import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend, type Backend } from './support/backend';
import { openTab, seriousFindings, shot, startBrowser, visit, type Tab } from './support/browser';
import { office } from './support/traffic';

const FIRST_VIEW_BYTES_MAX = 250_000;
const ROWS = 10_000;

let browser: Browser;
let backend: Backend;

beforeAll(async () => {
  [browser, backend] = await Promise.all([startBrowser(), startBackend()]);
  const traffic = office(11);
  const now = Date.now();
  for (let second = 340; second > 0; second -= 10) {
    await backend.push(
      Array.from({ length: 10 }, (_, index) => traffic.second(now - (second - index) * 1000, 40)).flat()
    );
  }
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

const withTab = (path: string, test: (tab: Tab) => Promise<void>, options = {}) =>
  visit(browser, backend.page + path, test, options);

describe('the first view', () => {
  it('needs at most 250 kB of compressed code and styles', async () => {
    const tab = await openTab(browser);
    const files = new Set<string>();
    tab.page.on('response', response => {
      const { pathname } = new URL(response.url());
      if (/\.(js|css)$/.test(pathname)) {
        files.add(pathname);
      }
    });
    const start = performance.now();
    await tab.page.goto(backend.page);
    await tab.page.getByText('Throughput').first().waitFor();
    const tookMs = performance.now() - start;
    await tab.page.waitForLoadState('networkidle');
    await shot(tab.page, 'readme');
    const dist = fileURLToPath(new URL('../../dist', import.meta.url));
    const sizes = [...files].map(file => statSync(`${dist}${file}.gz`).size);
    expect(sizes.length).toBeGreaterThan(2);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    process.stderr.write(`first view: ${total} bytes of compressed code and styles, ${tookMs.toFixed(0)} ms\n`);
    expect(total).toBeLessThanOrEqual(FIRST_VIEW_BYTES_MAX);
    await tab.close();
  });

  it('writes its state into the address, and a link brings it back', () =>
    withTab('/', async ({ page }) => {
      await page.getByRole('tab', { name: 'Traffic flows' }).click();
      await page.locator('#netflow-table-row-0').waitFor();
      await page.getByRole('combobox', { name: 'Filter' }).fill('udp');
      await page.keyboard.press('Enter');
      await page.getByText('Protocol is UDP').waitFor();
      const link = page.url();
      const other = await openTab(browser);
      await other.page.goto(link);
      await other.page.getByText('Protocol is UDP').waitFor();
      expect(await other.page.getByRole('tab', { name: 'Traffic flows' }).getAttribute('aria-selected')).toBe('true');
      await other.close();
    }));
});

describe('keys', () => {
  it('change the view, the range, and show their list', () =>
    withTab('/?view=table&filters=', async ({ page }) => {
      await page.locator('#netflow-table-row-0').waitFor();
      await page.keyboard.press('3');
      await expect.poll(() => page.url(), { timeout: 30_000 }).toContain('view=topology');
      await page.keyboard.press('1');
      await expect.poll(() => page.url(), { timeout: 30_000 }).toContain('view=overview');
      await page.keyboard.press('[');
      await expect.poll(() => page.url(), { timeout: 30_000 }).toContain('startTime=');
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    }));
});

describe('filters', () => {
  it('are changed by the menu of their chip', () =>
    withTab('/?view=table&filters=dst_port%3D443', async ({ page }) => {
      await page.getByRole('button', { name: 'Destination port is 443 https', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Exclude instead' }).click();
      await page.getByText('Destination port is not 443 https').waitFor();
      await expect.poll(() => decodeURIComponent(page.url()), { timeout: 30_000 }).toContain('dst_port!=443');
      await page.getByRole('button', { name: /^Remove filter/ }).click();
      await expect.poll(() => page.getByText(/^Destination port/).count(), { timeout: 30_000 }).toBeLessThan(2);
      await expect.poll(() => page.url(), { timeout: 30_000 }).toContain('filters=&');
    }));

  it('come in sets', () =>
    withTab('/?view=table&filters=', async ({ page }) => {
      await page.getByRole('button', { name: 'Quick filters' }).click();
      await page.getByRole('menuitem', { name: 'UDP' }).click();
      await page.getByText('Protocol contains UDP').waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    }));
});

describe('what is missing is said', () => {
  it('when a refresh fails, above the rows that stay', async () => {
    const tab = await openTab(browser);
    const { page } = tab;
    await page.goto(`${backend.page}/?view=table&filters=`);
    await page.locator('#netflow-table-row-0').waitFor();
    await page.route('**/api/**', route => route.abort());
    await page.keyboard.press('r');
    await page.getByText(/^Not refreshed since/).waitFor();
    expect(await page.locator('#netflow-table-row-0').isVisible()).toBe(true);
    expect(await page.locator('#table-container.netobserv-stale').count()).toBe(1);
    await shot(page, 'flows-refresh-failed');
    await page.unroute('**/api/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText(/^Not refreshed since/).waitFor({ state: 'detached' });
    await tab.close();
  });

  it('when the back end is gone', async () => {
    const tab = await openTab(browser);
    await tab.page.route('**/api/**', route => route.abort());
    await tab.page.goto(backend.page);
    await tab.page.getByText('The back end did not answer').waitFor();
    await shot(tab.page, 'no-back-end');
    await tab.close();
  });
});

describe('ten thousand rows', () => {
  it('scroll with few of them in the document', () =>
    withTab(`/?view=table&filters=&timeRange=900&limit=${ROWS}`, async ({ page }) => {
      await page.locator('#netflow-table-row-0').waitFor();
      expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe(String(ROWS + 1));
      const frames = await page.evaluate(async () => {
        const table = document.getElementById('table-container')!;
        const times: number[] = [];
        for (let step = 0; step < 60; step++) {
          table.scrollTop += 100;
          const start = performance.now();
          await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
          times.push(performance.now() - start);
        }
        return times.sort((a, b) => a - b);
      });
      process.stderr.write(
        `10,000 rows, ms per frame of 100 px: median ${frames[30]!.toFixed(1)}, p90 ${frames[54]!.toFixed(1)}\n`
      );
      expect(await page.locator('tr[id^=netflow-table-row]').count()).toBeLessThan(80);
      await page.locator('#table-container').focus();
      await page.keyboard.press('End');
      await page.locator(`#netflow-table-row-${ROWS - 1}`).waitFor();
    }));
});

describe.each([768, 1024, 2560])('at %i pixels', width => {
  it.each(['overview', 'table', 'topology'])('the %s fits', view =>
    withTab(
      `/?view=${view}&filters=&scope=address`,
      async ({ page }) => {
        await page.locator('.netobserv-summary').waitFor();
        await expect.poll(() => page.locator('[data-test=loading-contents]').count(), { timeout: 30_000 }).toBe(0);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth
        );
        expect(overflow).toBeLessThanOrEqual(0);
        await shot(page, `${view}-${width}`);
      },
      { viewport: { width, height: width === 2560 ? 1440 : 768 } }
    )
  );
});
