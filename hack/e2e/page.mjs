// Looks at a running product in real Chromium: page.mjs BASE_URL SCREENSHOT_FOLDER
// Fails unless the table shows the demo's burst with its exact counts and all three views draw something.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [base, folder] = process.argv.slice(2);
const require = createRequire(new URL('../../console-plugin/web/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(60_000);
const problems = [];
page.on('pageerror', error => problems.push(`${error}`));
page.on('console', message => message.type() === 'error' && problems.push(message.text()));
const filters = encodeURIComponent('dst_port=7777');

try {
  await page.goto(`${base}/?view=table&timeRange=300&filters=${filters}`);
  const row = page.getByRole('row').filter({ hasText: '7777' }).first();
  await row.getByText('54.2 kB', { exact: true }).waitFor();
  await row.getByText('100', { exact: true }).waitFor();

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
} finally {
  await browser.close();
}
