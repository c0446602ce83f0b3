// What people do: keys, completion, zoom, history, variables, import, ten thousand targets.
import { readFileSync } from 'node:fs';
import { findings, open } from './browser.mjs';
import { manyTargets } from './budgets/stand-in.mjs';
import { check, equal, none } from './suite.mjs';

const parameter = (page, name) => new URL(page.url()).searchParams.get(name);

async function withPage(browser, name, run, options) {
  await check(name, async () => {
    const { page, problems, close } = await open(browser, options);
    await run(page);
    none(problems, 'problems');
    await close();
  });
}

export async function actions(browser, base) {
  await withPage(browser, 'keys go to every page, open the help and close it', async (page) => {
    await page.goto(base);
    await page.waitForSelector('.chain');
    for (const [key, path] of [['c', 'doctor'], ['t', 'targets'], ['e', 'graph'], ['d', 'dashboards'], ['s', 'status'], ['o', '']]) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForFunction((wanted) => location.href.split('?')[0] === wanted, base + path);
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    none(await findings(page), 'axe');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  await withPage(browser, 'the editor completes names, runs on Enter and keeps its state in the address', async (page) => {
    await page.goto(`${base}graph`);
    const editor = page.getByRole('textbox', { name: 'Expression A' });
    await page.waitForSelector('.cm-content');
    await editor.click();
    await page.keyboard.type('felix_resync_st', { delay: 60 });
    await page.locator('.cm-tooltip-autocomplete li', { hasText: 'felix_resync_state' }).first().waitFor();
    // The list takes a choice only once it has stood for 75 ms.
    await page.waitForTimeout(150);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.u-over');
    equal(parameter(page, 'g0.expr'), 'felix_resync_state', 'expression in the address');
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.waitForSelector('.result tbody tr');
    await page.reload();
    await page.waitForSelector('.result tbody tr');
    equal((await page.locator('.cm-content').textContent())?.trim(), 'felix_resync_state', 'expression after loading the page anew');
  });

  await withPage(browser, 'keys without a pause between them arrive, each once', async (page) => {
    await page.goto(`${base}graph`);
    await page.waitForSelector('.cm-content');
    await page.getByRole('textbox', { name: 'Expression A' }).click();
    const text = 'sum by instance felix_resync_state ';
    for (let i = 0; i < 5; i++) await page.keyboard.type(text);
    await page.waitForFunction((wanted) => document.querySelector('.code')?.shadowRoot?.querySelector('.cm-content')?.textContent?.replace(/\s+/g, ' ').trim() === wanted, text.repeat(5).trim());
  });

  await withPage(browser, 'a wrong expression shows the message and its position', async (page) => {
    await page.goto(`${base}graph?g0.expr=rate(up`);
    await page.waitForSelector('text=The query failed');
    if (!/1:\d+: parse error/.test((await page.locator('.message.bad .mono').textContent()) ?? '')) throw new Error('the parse error has no position');
  }, { expect: () => true });

  await withPage(browser, 'dragging over a chart zooms, the browser’s back undoes it', async (page) => {
    await page.goto(`${base}graph?g0.expr=up&from=now-1h&to=now`);
    const plot = await page.waitForSelector('.u-over');
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 100, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => /^\d+$/.test(new URL(location.href).searchParams.get('from') ?? ''));
    const length = Number(parameter(page, 'to')) - Number(parameter(page, 'from'));
    if (Math.abs(length - 0.3 * 3_600_000) > 60_000) throw new Error(`zoomed to ${length} ms instead of 18 minutes`);
    await page.goBack();
    equal(parameter(page, 'from'), 'now-1h', 'start after going back');
  });

  await withPage(browser, 'the tooltip tells time and values', async (page) => {
    await page.goto(`${base}graph?g0.expr=up&from=now-5m&to=now`);
    const box = await (await page.waitForSelector('.u-over')).boundingBox();
    await page.mouse.move(box.x + box.width - 30, box.y + 60, { steps: 3 });
    await page.waitForSelector('.tip .line');
  });

  await withPage(browser, 'a variable goes into the address and into the panels', async (page) => {
    await page.goto(`${base}d/tortie-felix`);
    await page.getByRole('button', { name: /^Instance:/ }).click();
    const option = page.locator('.choices label').nth(1);
    const name = (await option.textContent())?.trim();
    await option.click();
    await page.waitForFunction((wanted) => new URL(location.href).searchParams.get('var-instance') === wanted, name);
    await page.waitForFunction((wanted) => {
      const names = [...document.querySelectorAll('.dash-panel .legend .series-name')].map((one) => one.textContent?.trim());
      return names.length > 0 && names.filter((one) => /:\d+$/.test(one ?? '')).every((one) => one === wanted);
    }, name);
  });

  await withPage(browser, 'a dashboard of the reader’s own is imported and drawn by the same code', async (page) => {
    const source = JSON.parse(readFileSync(new URL('../../crates/calico/dashboards/typha.json', import.meta.url), 'utf8'));
    await page.goto(`${base}dashboards`);
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Import Grafana JSON' }).click();
    await (await chooser).setFiles({ name: 'mine.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ ...source, uid: 'mine', title: 'Mine' })) });
    await page.waitForFunction(() => location.pathname.endsWith('/d/mine'));
    await page.waitForSelector('.u-over');
    await page.goto(`${base}dashboards`);
    const wrong = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Import Grafana JSON' }).click();
    await (await wrong).setFiles({ name: 'wrong.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
    await page.waitForSelector('text=not a Grafana dashboard');
  });

  await withPage(browser, 'addresses of Prometheus open the same query', async (page) => {
    await page.goto(`${base}query?g0.expr=up&g0.tab=1&g0.range_input=30m`);
    await page.waitForSelector('.result tbody tr');
    await page.getByRole('button', { name: /last 30m/ }).waitFor();
  });

  await withPage(browser, 'zone: browser or UTC', async (page) => {
    await page.goto(`${base}status`);
    const local = await page.locator('[data-key=startTime]').textContent();
    await page.getByRole('button', { name: /UTC/ }).click();
    await page.waitForFunction((before) => document.querySelector('[data-key=startTime]')?.textContent !== before, local);
    equal(parameter(page, 'timezone'), 'utc', 'zone in the address');
  });

  await withPage(browser, 'ten thousand targets: few rows in the page, keystrokes within 50 ms', async (page) => {
    const targets = manyTargets();
    await page.route('**/api/**/targets?**', (route) => route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify({ status: 'success', data: { activeTargets: targets, droppedTargets: [] } }) }));
    await page.goto(`${base}targets`);
    await page.waitForSelector('.row.pool');
    const rows = async () => page.locator('.list .row').count();
    if ((await rows()) > 200) throw new Error(`${await rows()} rows are in the page`);
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async () => (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
    const busyBefore = await busy();
    const [idle, usual, slowest] = await page.evaluate(async () => {
      const input = document.querySelector('[data-search]');
      const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const idleStart = performance.now();
      for (let i = 0; i < 5; i++) await frame();
      const idle = (performance.now() - idleStart) / 5;
      const all = [];
      for (const text of ['n', 'no', 'nod', 'node', 'node-7', 'node-77']) {
        const started = performance.now();
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
        input.dispatchEvent(new Event('input', { bubbles: true }));
        await frame();
        all.push(performance.now() - started);
      }
      all.sort((a, b) => a - b);
      return [idle, all[3], all.at(-1)];
    });
    const cpu = ((await busy()) - busyBefore) / 6;
    console.log(`     keystroke to the next frame: ${usual.toFixed(0)} ms in the middle, ${slowest.toFixed(0)} ms at most; a frame of an idle page ${idle.toFixed(0)} ms; ${cpu.toFixed(0)} ms of CPU each`);
    // Other processes on the machine stretch the time but not the work.
    if (usual - idle > 50 && cpu > 50) throw new Error(`a keystroke took ${usual.toFixed(0)} ms, ${cpu.toFixed(0)} ms of CPU`);
    const expected = targets.filter((target) => target.labels.node.includes('node-77')).length;
    await page.waitForFunction((count) => document.querySelector('.toolbar .dim')?.textContent?.includes(`${count} targets`), expected);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    if ((await rows()) > 200) throw new Error(`${await rows()} rows are in the page after scrolling`);
  });
}
