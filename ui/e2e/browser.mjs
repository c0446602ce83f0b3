// The browser and what is watched on every page: console, requests, layout shift, accessibility.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { opened } from './api.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Starts Chromium with a fresh profile. */
export function launch() {
  return chromium.launch({ executablePath: process.env.TORTIE_CHROMIUM ?? '/usr/bin/chromium', args: flags });
}

/** A page in its own context that keeps a record of everything that went wrong. */
export async function open(browser, { theme = 'light', width = 1440, height = 900, expect = () => false } = {}) {
  // The page's policy forbids inline scripts; axe is put in by the debugger, which is above it.
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: 'Europe/Berlin', acceptDownloads: false });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !expect(message.text())) problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => {
    // A request that the page itself cancelled is no failure.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') problems.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !expect(response.url())) problems.push(`status ${response.status()}: ${response.url()}`);
  });
  const answers = [];
  page.on('response', (response) => {
    const url = new URL(response.url());
    const query = url.searchParams.get('query') ?? new URLSearchParams(response.request().postData() ?? '').get('query');
    if (query !== null && response.ok()) answers.push({ path: url.pathname, query, body: response.body().then(opened, () => undefined) });
  });
  await page.addInitScript(() => {
    globalThis.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // A number that grows to the left in its right-aligned cell moves nothing else.
        const moved = entry.sources.filter((source) => source.node?.nodeName !== '#text');
        if (!entry.hadRecentInput && moved.length > 0) globalThis.shifts.push({ value: entry.value, what: entry.sources.map((source) => `${source.node?.nodeName}.${source.node?.className} ${JSON.stringify(source.previousRect)} to ${JSON.stringify(source.currentRect)}`).join('; ') });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return { page, problems, answers, close: () => context.close() };
}

/** Layout shifts so far. */
export async function shifts(page) {
  return page.evaluate(() => globalThis.shifts);
}

/** Serious and critical findings of axe. */
export async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any?.[0]?.message ?? ''}`).join(' | ')}`);
}
