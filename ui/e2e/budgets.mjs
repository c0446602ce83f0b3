// The UI against its budgets: cold loads in Chromium of a running server. TORTIE_URL names a demo of three nodes,
// TORTIE_HUNDRED_URL one of a hundred (for the part `dashboard`). TORTIE_EFFORT=full takes more loads and watches the heap for
// an hour instead of five minutes. Prints a table; ends with 1 when a row is over its budget. For a machine that does nothing
// else; where that cannot be had, TORTIE_JUDGE=cpu holds the CPU time of the page's thread against the budgets, not the time.
import { withSlash } from './api.mjs';
import { launch } from './browser.mjs';
import { heap, slope } from './budgets/heap.mjs';
import { load } from './budgets/load.mjs';
import { manySeries, manyTargets, standIn } from './budgets/stand-in.mjs';
import { print, row } from './budgets/table.mjs';

const full = process.env.TORTIE_EFFORT === 'full';
/** Parts that run, by name with commas between; all when none is given. */
const wanted = (process.argv[2] ?? '').split(',').filter((name) => name !== '');
const loads = full ? 15 : 5;
const seconds = Number(process.env.TORTIE_HEAP_SECONDS ?? (full ? 3480 : 240));

function address(name) {
  const url = process.env[name];
  if (url) return withSlash(url);
  console.error(`${name} is not set: it is the address of a running demo, hint: bench/ui`);
  process.exit(2);
}

const base = address('TORTIE_URL');
const browser = await launch();

async function part(name, run) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}

async function repeat(count, run) {
  const results = [];
  for (let i = 0; i < count; i++) results.push(await run(i));
  return results;
}

const overviewReady = `() => document.querySelectorAll('.tile .spark').length >= 9 && !document.querySelector('.spark-space') && /\\d/.test(document.querySelector('[data-fact=hosts]')?.textContent ?? '')`;
// Every panel that touches the window holds its data.
const panelsReady = `() => {
  const panels = [...document.querySelectorAll('.dash-panel')].filter((one) => { const box = one.getBoundingClientRect(); return box.top < innerHeight && box.bottom > 0; });
  return panels.length > 3 && panels.every((one) => !one.querySelector('.panel-space'));
}`;

await part('paint', async () => {
  const floor = [];
  const paints = { 1: [], 4: [] };
  const data = { 1: [], 4: [] };
  const work = { 1: [], 4: [] };
  const shifts = [];
  // Turn by turn, so that whatever else the machine does meets all of them alike.
  await repeat(loads + 1, async (i) => {
    for (const slow of [1, 4]) {
      const one = await load(browser, base, { slow, ready: overviewReady });
      // The first load starts the browser's own processes.
      if (i === 0) continue;
      paints[slow].push(one.paint);
      data[slow].push(one.ready);
      work[slow].push(one.cpu);
      shifts.push(one.shift);
    }
    const empty = await load(browser, `${base}-/healthy`, { slow: 4 });
    if (i > 0) floor.push(empty.paint);
  });
  row('first paint', paints[1]);
  row('a page of one line of text, first paint, CPU throttled 4 times', floor, { note: 'the floor of browser and machine' });
  row('first paint, CPU throttled 4 times', paints[4], { budget: 300 });
  row('Overview with data', data[1], { budget: 500, cpu: work[1] });
  row('Overview with data, CPU throttled 4 times', data[4], { cpu: work[4] });
  row('Overview, layout shift', shifts, { unit: '', budget: 0, judge: 'most', digits: 4 });
});

await part('dashboard', async () => {
  const hundred = address('TORTIE_HUNDRED_URL');
  const all = await repeat(loads, () => load(browser, `${hundred}d/tortie-felix?from=now-1h&to=now`, { ready: panelsReady }));
  row('Felix dashboard, 100 nodes, 1 h, last visible panel', all.map(({ ready }) => ready), { budget: 1000, cpu: all.map(({ cpu }) => cpu) });
  row('Felix dashboard, layout shift', all.map(({ shift }) => shift), { unit: '', budget: 0, judge: 'most', digits: 4 });
});

await part('targets', async () => {
  const targets = manyTargets();
  const server = await standIn(base, [[/\/targets$/, (url) => (url.pathname.startsWith('/api/') ? () => ({ activeTargets: targets, droppedTargets: [] }) : undefined)]]);
  const all = await repeat(loads, () =>
    load(browser, `${server.url}targets`, {
      ready: `() => document.querySelector('.row.pool')`,
      then: async (page, busy) => {
        const before = await busy();
        const typed = await page.evaluate(keystrokes);
        return { ...typed, cpu: ((await busy()) - before) / typed.took.length };
      },
    }));
  row('Targets, 10,000 in 735 pools, first rows', all.map(({ ready }) => ready), { budget: 500, cpu: all.map(({ cpu }) => cpu) });
  row('Targets, rows in the page', all.map(({ more }) => more.rows), { unit: '', budget: 200, judge: 'most' });
  row('Targets, keystroke in the filter to the next frame', all.flatMap(({ more }) => more.took), { budget: 50, cpu: all.map(({ more }) => more.cpu) });
  server.close();
});

/** Types into the filter of Targets; runs in the page. */
async function keystrokes() {
  const input = document.querySelector('[data-search]');
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const took = [];
  for (const text of ['n', 'no', 'nod', 'node', 'node-7', 'node-77', '']) {
    await frame();
    const started = performance.now();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    await frame();
    took.push(performance.now() - started);
  }
  return { took, rows: document.querySelectorAll('.list .row').length };
}

await part('chart', async () => {
  const step = 1000;
  const end = Math.floor(Date.now() / step) * step;
  const start = end - 999 * step;
  const server = await standIn(base, [[/\/query_range$/, () => () => manySeries(start, step)]]);
  const url = `${server.url}graph?g0.expr=walk&g0.step_input=1s&from=${start}&to=${end}&refresh=off`;
  const all = await repeat(loads, () => load(browser, url, { ready: `() => document.querySelector('.u-over')`, then: hover }));
  const request = ({ requests }) => requests.find(({ name }) => name.includes('query_range'));
  row('chart of 1,000 series × 1,000 points, request to paint', all.map((one) => one.ready - request(one).startTime), { budget: 1000, cpu: all.map(({ cpu }) => cpu), note: 'the CPU time is that of the whole load' });
  row('… of which the answer is on its way', all.map((one) => request(one).responseEnd - request(one).startTime));
  row('… a frame without pointing', all.flatMap(({ more }) => more.idle));
  row('… pointing at it, to the next frame', all.flatMap(({ more }) => more.took), { budget: 20, cpu: all.map(({ more }) => more.cpu) });
  server.close();
});

/** Moves the pointer over the chart; milliseconds from each move to the end of its frame, and of frames without a move. */
async function hover(page, busy) {
  const box = await (await page.waitForSelector('.u-over')).boundingBox();
  await page.mouse.move(box.x + 20, box.y + 100);
  const before = await busy();
  const moved = await page.evaluate(async ({ x, y, width }) => {
    const over = document.querySelector('.u-over');
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const took = [];
    const idle = [];
    for (let i = 1; i <= 20; i++) {
      await frame();
      const before = performance.now();
      await frame();
      const started = performance.now();
      idle.push(started - before);
      over.dispatchEvent(new MouseEvent('mousemove', { bubbles: true, clientX: x + (width * i) / 22, clientY: y + 100 + (i % 5) * 20 }));
      await frame();
      took.push(performance.now() - started);
    }
    return { took, idle };
  }, box);
  return { ...moved, cpu: ((await busy()) - before) / moved.took.length };
}

await part('heap', async () => {
  // Readings begin when all is drawn and compiled.
  const settle = full ? 120 : 60;
  const { readings, nodes, asked } = await heap(browser, base, { seconds, settle, every: full ? 60 : 20, log: full ? (line) => console.error(line) : undefined });
  const sizes = readings.map(([, size]) => size);
  const what = `heap under a Felix dashboard refreshed every 10 s for ${Math.round((seconds + settle) / 60)} minutes`;
  row(what, sizes, { unit: 'MB', digits: 2, note: `after a forced collection; ${nodes} nodes, ${asked} requests` });
  row('… most above least', [Math.max(...sizes) - Math.min(...sizes)], { unit: 'MB', digits: 2, budget: 5 });
  // A slope of minutes times twelve is noise: it is judged over the hour of the campaign, the spread always.
  row('… slope', [slope(readings) * 3600], { unit: 'MB an hour', digits: 2, ...(full ? { budget: 5 } : { note: 'judged over an hour' }) });
});

await browser.close();
process.exit(print() > 0 ? 1 : 0);
