// Whether a dashboard that refreshes itself keeps its memory: JS heap after a forced collection, once a minute or so.
import { setTimeout as pause } from 'node:timers/promises';

const MB = 1_000_000;

/** Least-squares slope of `points` ([x, y] each). */
export function slope(points) {
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const x = mean((point) => point[0]);
  const y = mean((point) => point[1]);
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
}

/**
 * Watches the Felix dashboard for `seconds` at a refresh of 10 s. Readings begin after `settle` seconds, when all panels were
 * drawn and the engine has compiled what it will. Returns readings as [seconds, MB], nodes and listeners of the last one, and
 * how often the page asked the server.
 */
export async function heap(browser, base, { seconds, settle, every, log = () => undefined }) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/')) asked++;
  });
  const cdp = await context.newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  await page.goto(`${base}d/tortie-felix?from=now-1h&to=now&refresh=10s`);
  await page.waitForSelector('.u-over');
  const started = performance.now();
  const at = () => (performance.now() - started) / 1000;
  const readings = [];
  let last = {};
  await pause(settle * 1000);
  while (at() < settle + seconds) {
    // Twice: what a finaliser lets go of in the first is collected in the second.
    await cdp.send('HeapProfiler.collectGarbage');
    await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = await cdp.send('Runtime.getHeapUsage');
    last = await cdp.send('Memory.getDOMCounters');
    readings.push([at(), usedSize / MB]);
    log(`${at().toFixed(0).padStart(5)} s  ${(usedSize / MB).toFixed(2)} MB, ${last.nodes} nodes, ${last.jsEventListeners} listeners, ${asked} requests`);
    await pause(every * 1000);
  }
  await context.close();
  return { readings, nodes: last.nodes, listeners: last.jsEventListeners, asked };
}
