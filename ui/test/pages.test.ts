// What the pages compute: targets as rows, the state of Explore in its address, the chain's verdict.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { performance } from 'node:perf_hooks';
import type { Target } from '../src/api/prometheus.ts';
import { seriesName } from '../src/api/prometheus.ts';
import { pageOf } from '../src/app/pages.ts';
import { commonLabels, distinctName } from '../src/pages/explore/names.ts';
import { readState, writeState } from '../src/pages/explore/state.ts';
import { linksOf, verdict } from '../src/pages/overview/chain.tsx';
import { components, escapeRegex, scope } from '../src/pages/overview/components.ts';
import type { ComponentState } from '../src/pages/overview/load.ts';
import { place } from '../src/pages/dashboards/layout.ts';
import { groupTargets, rowsOf } from '../src/pages/targets/rows.ts';
import { readDashboard } from '../src/grafana/read.ts';
import { windowOf } from '../src/parts/window.ts';

function target(pool: string, n: number, health: Target['health'], lastError = ''): Target {
  return {
    discoveredLabels: {}, labels: { job: pool, instance: `10.0.0.${n}:9091`, node: `node-${n}` }, scrapePool: pool, scrapeUrl: `http://10.0.0.${n}:9091/metrics`, globalUrl: '', lastError,
    lastScrape: '2026-11-26T12:00:00Z', lastScrapeDuration: 0.01, health, scrapeInterval: '15s', scrapeTimeout: '10s',
  };
}

const everything = { text: '', health: 'all' as const, toggled: new Set<string>() };
const names = (targets: Target[], view = {}) => rowsOf(groupTargets(targets), { ...everything, ...view }).rows.map((row) => (row.kind === 'pool' ? row.pool.name : row.entry.target.labels['node']));

test('failing pools and targets come first, numbers in order', () => {
  const targets = [target('a', 10, 'up'), target('a', 9, 'up'), target('b', 1, 'up'), target('b', 2, 'down', 'refused'), target('c', 3, 'unknown')];
  assert.deepEqual(names(targets), ['b', 'node-2', 'node-1', 'c', 'node-3', 'a', 'node-9', 'node-10']);
});

test('filters: every word, any field, health, closed pools', () => {
  const targets = [target('a', 1, 'up'), target('a', 2, 'down', 'connection refused'), target('b', 3, 'up')];
  assert.deepEqual(names(targets, { text: 'REFUSED a' }), ['a', 'node-2']);
  assert.deepEqual(names(targets, { health: 'up' }), ['a', 'node-1', 'b', 'node-3']);
  assert.deepEqual(names(targets, { text: 'node-3' }), ['b', 'node-3']);
  assert.deepEqual(names(targets, { text: 'nothing' }), []);
  assert.deepEqual(names(targets, { toggled: new Set(['a']) }), ['a', 'b', 'node-3']);
});

test('ten thousand targets are grouped and filtered within a keystroke', () => {
  const targets = Array.from({ length: 10_000 }, (_, i) => target(`pool-${i % 735}`, i, i % 700 === 0 ? 'down' : 'up', i % 700 === 0 ? 'refused' : ''));
  const pools = groupTargets(targets);
  const started = performance.now();
  const { matches } = rowsOf(pools, { ...everything, text: 'node-77 pool' });
  const took = performance.now() - started;
  assert.equal(matches, targets.filter((one) => one.labels['node']!.includes('node-77')).length);
  assert.ok(took < 50, `filtering took ${took.toFixed(1)} ms`);
  // Healthy pools are closed when there are many targets, failing ones open.
  const closed = rowsOf(pools, everything).rows;
  assert.equal(closed.filter((row) => row.kind === 'pool').length, 735);
  assert.ok(closed.length < 1500);
});

test('only what can be seen is drawn', () => {
  assert.deepEqual(windowOf(10_000, 26, 2600, 900), { first: 94, last: 141 });
  assert.deepEqual(windowOf(3, 26, 0, 900), { first: 0, last: 3 });
  assert.deepEqual(windowOf(0, 26, 0, 900), { first: 0, last: 0 });
  assert.deepEqual(windowOf(5, 26, 99_999, 900), { first: 5, last: 5 });
});

test('the state of Explore survives its address', () => {
  const check = (state: ReturnType<typeof readState>) => {
    const params = new URLSearchParams();
    for (const [key, value] of Object.entries(writeState(state, new URLSearchParams()))) if (value !== undefined && value !== '') params.set(key, value);
    assert.deepEqual(readState(new URLSearchParams(params.toString())), state);
  };
  check({ exprs: [''], tab: 'graph', step: 'auto', stacked: false });
  check({ exprs: ['sum by (a) (rate(x{b="c&d"}[5m])) > 1', 'up'], tab: 'table', step: '15s', stacked: true });
  check({ exprs: ['a\n+ b'], tab: 'graph', step: 'auto', stacked: true });
});

test('addresses of Prometheus are understood, old and new', () => {
  assert.deepEqual(readState(new URLSearchParams('g0.expr=up&g0.tab=1&g1.expr=x')), { exprs: ['up', 'x'], tab: 'table', step: 'auto', stacked: false });
  assert.deepEqual(readState(new URLSearchParams('g0.expr=up&g0.tab=graph&g0.display_mode=stacked&g0.res_step=30s')), { exprs: ['up'], tab: 'graph', step: '30s', stacked: true });
  // Queries that are gone leave the address.
  assert.equal(writeState({ exprs: ['a'], tab: 'graph', step: 'auto', stacked: false }, new URLSearchParams('g0.expr=a&g1.expr=b'))['g1.expr'], undefined);
  assert.ok('g1.expr' in writeState({ exprs: ['a'], tab: 'graph', step: 'auto', stacked: false }, new URLSearchParams('g0.expr=a&g1.expr=b')));
});

test('names of series leave out what all have in common', () => {
  const all = [{ __name__: 'up', job: 'j', instance: 'a' }, { __name__: 'up', job: 'j', instance: 'b' }];
  const common = commonLabels(all);
  assert.deepEqual(all.map((labels) => distinctName(labels, common)), ['{instance="a"}', '{instance="b"}']);
  assert.equal(distinctName(all[0]!, commonLabels([all[0]!])), 'up{instance="a", job="j"}'.replace('instance="a", job="j"', 'job="j", instance="a"'));
  assert.equal(seriesName({}), '{}');
  assert.equal(seriesName({ a: 'x"y' }), '{a="x\\"y"}');
});

test('jobs go into queries as text, not as patterns', () => {
  assert.equal(scope('up{job=~"$job"}[$window]', ['a.b', 'c'], '5m'), 'up{job=~"a\\\\.b|c"}[5m]');
  assert.equal(escapeRegex('a"b'), 'a\\"b');
});

test('repeated panels share the width and push what stands below', () => {
  const { rows } = readDashboard({
    title: 'T', panels: [
      { id: 1, type: 'stat', repeat: 'node', maxPerRow: 2, gridPos: { x: 0, y: 0, w: 12, h: 4 } },
      { id: 2, type: 'table', gridPos: { x: 0, y: 4, w: 24, h: 6 } },
    ],
  });
  const bindings = new Map([['node', { name: 'node', values: ['a', 'b', 'c'], options: ['a', 'b', 'c'], multiple: true, allValue: '' }]]);
  assert.deepEqual(place(rows[0]!, bindings).map(({ key, x, y, w }) => [key, x, y, w]), [['1 a', 0, 0, 12], ['1 b', 12, 0, 12], ['1 c', 0, 4, 12], ['2', 0, 8, 24]]);
});

function component(index: number, more: Partial<ComponentState> = {}): ComponentState {
  return { component: components[index]!, jobs: ['job'], targets: 3, up: 3, age: 5, marked: 3, series: 900, dashboard: true, down: [], ...more };
}

test('the chain: the first broken link is named, those behind it wait', () => {
  const states = (felix: Partial<ComponentState>) => [component(0, felix), component(1), component(2)];
  const marks = (felix: Partial<ComponentState>) => linksOf(component(0, felix)).map((link) => link.state).join(' ');
  assert.equal(marks({}), 'off off off ok ok ok ok ok');
  assert.equal(marks({ targets: 0, up: 0, jobs: [], age: undefined }), 'off off off bad off off off warn');
  assert.equal(marks({ up: 0, age: undefined }), 'off off off ok bad off off warn');
  assert.equal(marks({ age: undefined }), 'off off off ok ok bad ok warn');
  assert.equal(marks({ age: 600, dashboard: false }), 'off off off ok ok warn ok unknown');
  assert.equal(verdict(states({}), []).state, 'ok');
  assert.match(verdict(states({}), []).text, /all 9 targets/);
  assert.match(verdict(states({ up: 2, down: [{ instance: 'x:9091' }] }), []).text, /Felix: up 2\/3\. Down: x:9091/);
  assert.match(verdict(states({ targets: 0, up: 0, jobs: [] }), []).text, /No scrape job finds a target of Felix/);
  assert.deepEqual(verdict(states({}), [{ state: 'bad', text: 'kube-controllers: fullest pool 98%' }]).state, 'bad');
  const none = { targets: 0, up: 0, jobs: [], age: undefined };
  assert.match(verdict([component(0, none), component(1, none), component(2, none)], []).text, /No component of Calico is scraped/);
});

test('every address that the server gives the UI leads to a page', () => {
  const served = /const PAGES: [^=]*= &\[([^\]]*)\]/.exec(readFileSync('../crates/web/src/pages.rs', 'utf8'));
  const paths = [...(served?.[1] ?? '').matchAll(/"([^"]+)"/g)].map((m) => m[1]!);
  assert.ok(paths.length > 10);
  for (const path of paths) assert.ok(pageOf(path), path);
});
