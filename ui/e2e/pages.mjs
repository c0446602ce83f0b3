// Every page with its address, what shows that its data is there, and a number that must be the API's.
import { api, value } from './api.mjs';
import { equal } from './suite.mjs';

/** Newest value of the range query that holds `part`, as the API answered it to the page: live numbers move between two questions. */
async function answered(answers, part) {
  const answer = answers.filter(({ query }) => query.includes(part)).at(-1);
  if (!answer) throw new Error(`the page did not ask for ${part}`);
  const { data } = await answer.body;
  return Number(data.result[0].values.at(-1)[1]);
}

const digits = (text) => Number((text ?? '').replace(/[^\d.-]/g, ''));

/** Job matcher of Felix, as the page finds it. */
async function felixJobs(base) {
  const { result } = await api(base, 'v1/query', { query: 'group by (job) (felix_host)' });
  return result.map(({ metric }) => metric.job).join('|');
}

export const pages = [
  {
    name: 'overview', path: '', ready: '.tile .health .spark >> nth=8',
    number: async (page, base) => {
      await page.waitForFunction(() => /\d/.test(document.querySelector('[data-fact=hosts]')?.textContent ?? ''));
      equal(digits(await page.textContent('[data-fact=hosts]')), await value(base, `max(felix_cluster_num_hosts{job=~"${await felixJobs(base)}"})`), 'hosts');
    },
  },
  {
    name: 'doctor', path: 'doctor', ready: '.unseen',
    number: async (page, base) => {
      const { report } = await api(base, 'tortie/v1/doctor');
      const passed = report.checks.filter((check) => check.verdict === 'pass').length;
      equal(digits(/^(\d+) checks passed/.exec((await page.textContent('.unseen header .dim')) ?? '')?.[1]), passed, 'checks that passed');
    },
  },
  {
    name: 'targets', path: 'targets', ready: '.row.target',
    number: async (page, base) => {
      const { activeTargets } = await api(base, 'v1/targets', { state: 'active' });
      equal(digits(await page.textContent('[data-count=all]')), activeTargets.length, 'targets');
      equal(digits(await page.textContent('[data-count=down]')), activeTargets.filter((target) => target.health === 'down').length, 'targets that are down');
    },
  },
  {
    name: 'explore, graph', path: 'graph?g0.expr=up&from=now-15m&to=now', ready: '.u-over',
    number: async (page, base) => equal(await page.locator('.legend tbody tr').count(), (await api(base, 'v1/query', { query: 'count(last_over_time(up[15m]))' })).result[0] ? await value(base, 'count(last_over_time(up[15m]))') : 0, 'series'),
  },
  {
    name: 'explore, table', path: 'graph?g0.expr=count(up)&g0.tab=table', ready: '.result tbody tr',
    number: async (page, base) => equal(digits(await page.textContent('.result tbody td.num')), await value(base, 'count(up)'), 'count(up)'),
  },
  { name: 'explore, nothing asked', path: 'graph', ready: '.examples' },
  {
    name: 'dashboards', path: 'dashboards', ready: '.dashboard-list tbody tr',
    number: async (page, base) => equal(await page.locator('.dashboard-list tbody tr').count(), (await api(base, 'tortie/v1/dashboards')).length, 'dashboards'),
  },
  {
    name: 'dashboard felix', path: 'd/tortie-felix', ready: '.figure .big >> nth=4', tall: true,
    number: async (page, base, answers) => {
      const shown = page.locator('section.dash-panel', { has: page.getByRole('heading', { name: 'Workload endpoints', exact: true }) }).locator('.big');
      equal(digits(await shown.textContent()), await answered(answers, 'max(felix_cluster_num_workload_endpoints'), 'workload endpoints');
    },
  },
  {
    name: 'dashboard typha', path: 'd/tortie-typha', ready: '.figure .big >> nth=4', tall: true,
    number: async (page, base, answers) => {
      const shown = page.locator('section.dash-panel', { has: page.getByRole('heading', { name: 'Clients', exact: true }) }).locator('.big');
      equal(digits(await shown.textContent()), await answered(answers, 'sum(typha_connections_streaming'), 'clients');
    },
  },
  {
    name: 'dashboard kube-controllers', path: 'd/tortie-kube-controllers', ready: '.figure .big >> nth=4', tall: true,
    number: async (page) => {
      const shown = page.locator('section.dash-panel', { has: page.getByRole('heading', { name: 'Answers', exact: true }) }).locator('.big');
      equal((await shown.textContent())?.trim(), 'yes', 'kube-controllers answers');
    },
  },
  { name: 'one panel', path: 'd/tortie-felix?viewPanel=11', ready: '.u-over' },
  {
    name: 'alerts', path: 'alerts', ready: '.alert-list .row.pool, .targets .message',
    number: async (page, base) => {
      const { groups } = await api(base, 'v1/rules');
      const rules = groups.flatMap((group) => group.rules);
      equal(digits(await page.textContent('[data-count=rules]')), rules.length, 'rules');
      equal(digits(await page.textContent('[data-count=firing]')), rules.flatMap((rule) => rule.alerts ?? []).filter((alert) => alert.state === 'firing').length, 'alerts that fire');
    },
  },
  { name: 'monitors, of a server without', path: 'monitors', ready: 'text=This server reads no monitors' },
  { name: 'rules', path: 'rules', ready: '.alert-list .row.target, .targets .message' },
  {
    name: 'status, server', path: 'status', ready: '[data-key=startTime]',
    number: async (page, base) => equal((await page.textContent('[data-key=storageRetention]'))?.trim(), (await api(base, 'v1/status/runtimeinfo')).storageRetention, 'retention'),
  },
  { name: 'status, store', path: 'tsdb-status', ready: '[data-key=numSeries]' },
  { name: 'status, configuration', path: 'config', ready: '.yaml' },
  { name: 'status, flags', path: 'flags', ready: '.pairs-table tr >> nth=4' },
  { name: 'unknown dashboard', path: 'd/nowhere', ready: 'text=There is no dashboard nowhere', expect: (text) => /dashboards\/nowhere|404/.test(text) },
];
