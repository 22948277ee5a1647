//! A real browser on a real page, and what every browser test asks of it. Who: the browser tests.
//! **Invariant:** an error in the browser's console fails the test; nothing waits for a time, only for a state.
import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect } from 'vitest';

const shots = fileURLToPath(new URL('../../../screenshots/', import.meta.url));
mkdirSync(shots, { recursive: true });

/** This machine, but for the browser another one: over plain http it gives such a page less than one of this machine. */
export const ELSEWHERE = '192.0.2.1';

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    timeout: 120_000,
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`]
  });

export interface Tab {
  page: Page;
  errors: string[];
  close: () => Promise<void>;
}

export const openTab = async (browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> => {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
    ...options
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.message));
  page.on('console', message => {
    if (message.type() === 'error') {
      errors.push(message.text());
    }
  });
  const close = async () => {
    // An answer that a test is changing just then has nobody to go to.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  };
  return { page, errors, close };
};

/** A test on a page of its own, which must end without an error in the console. */
export const visit = async (
  browser: Browser,
  url: string,
  test: (tab: Tab) => Promise<void>,
  options: BrowserContextOptions = {}
): Promise<void> => {
  const tab = await openTab(browser, options);
  try {
    await tab.page.goto(url);
    await test(tab);
    expect(tab.errors).toEqual([]);
  } finally {
    await tab.close();
  }
};

export const shot = (page: Page, name: string): Promise<Buffer> =>
  page.screenshot({ path: join(shots, `${name}.png`) });

/** Serious and critical findings, each with the element it is about. */
export const seriousFindings = async (page: Page): Promise<string[]> => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(violation => violation.impact === 'serious' || violation.impact === 'critical')
    .flatMap(violation =>
      violation.nodes.map(node => `${violation.id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`)
    );
};
