// Looks at a product that is about to start, in real Chromium: page.mjs BASE_URL SCREENSHOT_FOLDER
// Says "browser is open", "first row" and "burst and views" when it has come that far; fails unless the table shows the
// demo's burst with its exact counts and all three views draw something.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [base, folder] = process.argv.slice(2);
const require = createRequire(new URL('../../console-plugin/web/package.json', import.meta.url));
const { chromium } = require('playwright-core');

// Longest wait for a slow machine; the journey measures what matters itself.
const PATIENCE_MS = 120_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  timeout: PATIENCE_MS,
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(PATIENCE_MS);
const problems = [];
const row = text => page.getByRole('row').filter({ hasText: text }).first();

// A user opens the page when its address appears, which is when something answers there.
const open = async () => {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await page.goto(`${base}/?view=table&timeRange=300`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
};

try {
  console.log('browser is open');
  await open();
  page.on('pageerror', error => problems.push(`${error}`));
  page.on('console', message => message.type() === 'error' && problems.push(message.text()));
  const first = row(/Demo shop|10\.77\.0\./);
  // The page refreshes by itself every 15 s; who waits for the first flows presses "r".
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline && !(await first.isVisible()); ) {
    await page.keyboard.press('r');
    await page.waitForTimeout(500);
  }
  await first.waitFor();
  console.log('first row');

  await page.goto(`${base}/?view=table&timeRange=300&filters=${encodeURIComponent('dst_port=7777')}`);
  await row('7777').getByText('54.2 kB', { exact: true }).waitFor();
  await row('7777').getByText('100', { exact: true }).waitFor();

  for (const [view, drawn] of [
    ['table', () => page.getByRole('row').nth(10)],
    ['topology', () => page.getByText(/Demo shop|10\.77\.0\./).filter({ visible: true }).first()],
    ['overview', () => page.getByText(/Demo shop|10\.77\.0\./).filter({ visible: true }).first()],
  ]) {
    await page.goto(`${base}/?view=${view}&timeRange=300`);
    await drawn().waitFor();
    await page.screenshot({ path: join(folder, `live-${view}.png`) });
  }
  if (problems.length > 0) throw new Error(`the page reported: ${problems.join('; ')}`);
  console.log('burst and views');
} finally {
  await browser.close();
}
