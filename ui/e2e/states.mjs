// What pages say while loading, on an error and when there is nothing; the server's answers are replaced on their way.
import { findings, open, shifts } from './browser.mjs';
import { check, equal, none } from './suite.mjs';

const cases = [
  { name: 'overview', path: '', loading: '[aria-busy=true] .chain', error: 'The Overview could not be read', empty: 'No component of Calico is scraped by this server' },
  { name: 'doctor', path: 'doctor', loading: '[aria-busy=true] .stations', error: 'The doctor could not be asked', empty: 'No component of Calico was found' },
  { name: 'targets', path: 'targets', loading: '[aria-label="Targets are loading"]', error: 'The targets could not be read', empty: 'Nothing is scraped' },
  { name: 'monitors', path: 'monitors', loading: '[aria-label="Monitors are loading"]', error: 'The monitors could not be read', empty: 'The cluster has no monitors' },
  { name: 'alerts', path: 'alerts', loading: '[aria-label="Rules are loading"]', error: 'The rules could not be read', empty: 'No rule is loaded' },
  { name: 'explore, graph', path: 'graph?g0.expr=up', loading: '[aria-label="The query runs"]', error: 'The query failed', empty: 'The query has an empty result' },
  { name: 'explore, table', path: 'graph?g0.expr=up&g0.tab=table', loading: '[aria-label="The query runs"]', error: 'The query failed', empty: 'The query has an empty result' },
  { name: 'dashboards', path: 'dashboards', loading: '[aria-label="Dashboards are loading"]', error: 'dashboards could not be read', empty: 'There is no dashboard' },
  { name: 'dashboard', path: 'd/tortie-felix', loading: '[aria-label="The dashboard is loading"]', error: 'The dashboard could not be read', empty: 'has no value' },
  { name: 'status', path: 'status', loading: '[aria-label="Run time is loading"]', error: 'Run time could not be read', empty: undefined },
];

const json = (body, status = 200) => ({ status, contentType: 'application/json', body: JSON.stringify(body) });
const message = 'out of memory: the query needs more than its budget';

/** A doctor's report of a cluster without Calico. */
const nobody = {
  state: 'idle', cluster: 'kubeconfig', nowMs: 2, startedMs: null, finishedMs: 1, ageMs: 1, tookMs: 5, asked: [], unseen: [], error: null, setup: { allowed: false, why: '' },
  table: { stations: ['on', 'port', 'service', 'monitor', 'selected', 'targets', 'fresh', 'panels', 'rules'], rows: ['Felix', 'Typha', 'kube-controllers'].map((title) => ({ component: title.toLowerCase(), title, installed: false, cells: [] })) },
  report: { cluster: { uid: '', context: 'c', server: '', kubernetes: '1.36.3', calico: null }, summary: { goals: {}, fail: 0, warn: 0, info: 0, unknown: 0 }, findings: [], checks: [], exit: 0 },
};

/** Empty answers of the right shape. */
function nothing(url) {
  if (/tortie\/v1\/doctor/.test(url)) return nobody;
  if (/tortie\/v1\/monitors/.test(url)) return { objects: [], jobs: [], leftOut: [], unselected: [], unreadable: [] };
  if (/v1\/rules/.test(url)) return { groups: [] };
  if (/v1\/alertmanagers/.test(url)) return { activeAlertmanagers: [], droppedAlertmanagers: [] };
  if (/\/targets/.test(url)) return { activeTargets: [], droppedTargets: [] };
  if (/query_range/.test(url)) return { resultType: 'matrix', result: [] };
  if (/v1\/query/.test(url)) return { resultType: 'vector', result: [] };
  if (/parse_query/.test(url)) return { type: 'vectorSelector', name: 'x', matchers: [] };
  return [];
}

/** Monitors of every fate. */
const fates = {
  objects: [
    { kind: 'ServiceMonitor', object: 'monitoring/calico-felix', accepted: true, reason: null, message: null },
    { kind: 'ServiceMonitor', object: 'shop/cart', accepted: false, reason: 'InvalidConfiguration', message: 'metricRelabelings[0]: unknown action "kept"' },
    { kind: 'PodMonitor', object: 'shop/pay', accepted: true, reason: null, message: null },
  ],
  jobs: [
    { pool: 'serviceMonitor/monitoring/calico-felix/0', kind: 'ServiceMonitor', object: 'monitoring/calico-felix', targets: 3, fellOut: { port: 3 } },
    { pool: 'podMonitor/shop/pay/0', kind: 'PodMonitor', object: 'shop/pay', targets: 0, fellOut: { selector: 40, port: 2 } },
  ],
  leftOut: [{ name: 'remoteWrite', reason: 'remote write is not there yet' }],
  unselected: [{ kind: 'ServiceMonitor', object: 'shop/stock', why: ['label release is missing, wanted is release=prometheus (serviceMonitorSelector of monitoring/k8s)'] }],
  unreadable: [],
};

async function judge(page, problems) {
  none(problems, 'problems');
  none(await findings(page), 'axe');
  none((await shifts(page)).map((shift) => `${shift.value}: ${shift.what}`), 'layout shift');
}

export async function states(browser, base) {
  for (const theme of ['light', 'dark']) {
    for (const one of cases) {
      const isDashboardSource = (url) => one.name === 'dashboard' && /tortie\/v1\/dashboards\//.test(url);
      await check(`${one.name} while loading, ${theme}`, async () => {
        const { page, problems, close } = await open(browser, { theme });
        await page.route('**/api/**', () => undefined);
        await page.goto(base + one.path);
        await page.waitForSelector(one.loading);
        await judge(page, problems);
        await close();
      });
      await check(`${one.name} on an error, ${theme}`, async () => {
        const { page, problems, close } = await open(browser, { theme, expect: () => true });
        await page.route('**/api/**', (route) => route.fulfill(json({ status: 'error', errorType: 'execution', error: message }, 503)));
        await page.goto(base + one.path);
        await page.waitForSelector(`text=${one.error}`);
        await page.waitForSelector(`text=${message}`);
        none(await findings(page), 'axe');
        none(problems, 'problems');
        await close();
      });
      if (one.empty === undefined) continue;
      await check(`${one.name} with nothing to show, ${theme}`, async () => {
        const { page, problems, close } = await open(browser, { theme });
        await page.route('**/api/**', (route) => {
          const url = route.request().url();
          // The dashboard itself comes from the server; only its data is taken away.
          return isDashboardSource(url) ? route.continue() : route.fulfill(json({ status: 'success', data: nothing(url) }));
        });
        await page.goto(base + one.path);
        await page.waitForSelector(`text=${one.empty}`);
        none(problems, 'problems');
        none(await findings(page), 'axe');
        await close();
      });
    }
  }
  for (const theme of ['light', 'dark']) {
    for (const width of [1280, 400]) {
      await check(`monitors of every fate, ${theme}, ${width} px`, async () => {
        const { page, problems, close } = await open(browser, { theme, width });
        await page.route('**/api/tortie/v1/monitors', (route) => route.fulfill(json({ status: 'success', data: fates })));
        await page.goto(`${base}monitors`);
        await page.waitForSelector('text=wanted is release=prometheus');
        const rows = await page.locator('.monitor-list .row.target').allTextContents();
        equal(rows.map((row) => /shop\/[a-z]+|monitoring\/[a-z-]+/.exec(row)?.[0]).join(' '), 'shop/cart shop/stock shop/pay monitoring/calico-felix', 'order');
        equal(await page.textContent('[data-count=empty]'), '1', 'without a target');
        await judge(page, problems);
        await page.click('text=monitoring/calico-felix');
        await page.waitForURL(/targets\?q=serviceMonitor/);
        await close();
      });
    }
    await check(`doctor without a cluster, ${theme}`, async () => {
      const { page, problems, close } = await open(browser, { theme, expect: () => true });
      await page.route('**/api/tortie/v1/doctor', (route) => route.fulfill(json({ status: 'error', errorType: 'unavailable', error: 'no cluster is known' }, 503)));
      await page.goto(`${base}doctor`);
      await page.waitForSelector('text=This server knows no cluster to judge');
      await page.waitForSelector('text=tortie run --kubeconfig');
      await judge(page, problems);
      await close();
    });
    await check(`doctor whose cluster cannot be reached, ${theme}`, async () => {
      const { page, problems, close } = await open(browser, { theme });
      await page.route('**/api/tortie/v1/doctor', (route) => route.fulfill(json({ status: 'success', data: { ...nobody, error: 'https://10.0.0.1:6443: connection refused' } })));
      await page.goto(`${base}doctor`);
      await page.waitForSelector('text=connection refused');
      await judge(page, problems);
      await close();
    });
  }
  await check('a server that does not answer is named', async () => {
    const { page, close } = await open(browser, { expect: () => true });
    await page.route('**/api/**', (route) => route.abort());
    await page.goto(`${base}targets`);
    await page.waitForSelector('text=the server does not answer');
    await close();
  });
}
