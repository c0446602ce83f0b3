// One cold load of a page: a fresh profile, nothing cached, the time at which something stands on the screen.
import { open } from '../browser.mjs';

/**
 * Opens `url` in a fresh context and returns milliseconds from the start of the navigation to its first contentful paint and to
 * the frame that shows what `ready` (a function that runs in the page) finds, and how long the page's thread worked until then. `slow` divides the speed of the page's thread.
 */
export async function load(browser, url, { ready, slow = 1, then } = {}) {
  const { page, problems, close } = await open(browser);
  const cdp = await page.context().newCDPSession(page);
  if (slow > 1) await cdp.send('Emulation.setCPUThrottlingRate', { rate: slow });
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  if (ready) {
    await page.addInitScript(`{
      const ready = ${ready};
      const look = () => {
        if (document.body && ready()) setTimeout(() => { globalThis.readyAt = performance.now(); });
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }`);
  }
  await page.goto(url);
  if (ready) await page.waitForFunction(() => globalThis.readyAt !== undefined, undefined, { timeout: 120_000 });
  const cpu = await busy();
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  const result = await page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    ready: globalThis.readyAt,
    shift: globalThis.shifts.reduce((sum, { value }) => sum + value, 0),
    requests: performance.getEntriesByType('resource').map(({ name, startTime, responseEnd }) => ({ name, startTime, responseEnd })),
  }));
  const more = then ? await then(page, busy) : undefined;
  await close();
  if (problems.length > 0) throw new Error(`${url}: ${problems[0]}`);
  return { ...result, cpu, more };
}
