// Grafana's variables, macros, legends, options and tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOptions, mapped, thresholdColor, thresholdsOf } from '../src/grafana/field.ts';
import { allKey, fixed, forQuery, forText, interpolate, type Bound } from '../src/grafana/interpolate.ts';
import { legendNames, legendTemplate } from '../src/grafana/legend.ts';
import { macros } from '../src/grafana/macros.ts';
import { readDashboard } from '../src/grafana/read.ts';
import { expressionOf, selectorsOf } from '../src/grafana/run.ts';
import { framesOf, transform } from '../src/grafana/table.ts';
import { choose, filterOptions, listedOptions, parseVariableQuery, sortOptions } from '../src/grafana/variables.ts';
import type { Panel, Variable } from '../src/grafana/model.ts';

const bound = (name: string, values: string[], more: Partial<Bound> = {}): Bound => ({ name, values, options: ['a.b', 'c'], multiple: true, allValue: '', ...more });
const bindings = (...all: Bound[]) => new Map(all.map((one) => [one.name, one]));

test('variables in queries are written as patterns', () => {
  const check = (source: string, expected: string, ...all: Bound[]) => assert.equal(interpolate(source, bindings(...all), forQuery), expected, source);
  check('up{job=~"$job"}', 'up{job=~"c"}', bound('job', ['c']));
  check('up{job=~"$job"}', 'up{job=~"(a\\\\.b|c)"}', bound('job', ['a.b', 'c']));
  check('up{job=~"$job"}', 'up{job=~"(a\\\\.b|c)"}', bound('job', [allKey]));
  check('up{job=~"$job"}', 'up{job=~".*"}', bound('job', [allKey], { allValue: '.*' }));
  check('up{job="$job"}', 'up{job="a.b"}', bound('job', ['a.b'], { multiple: false }));
  check('up{job="$job"}', 'up{job="a\\"b"}', bound('job', ['a"b'], { multiple: false }));
  check('up{a="${job}x", b="[[job]]"}', 'up{a="cx", b="c"}', bound('job', ['c']));
  check('${job:raw} ${job:pipe} ${job:csv}', 'a.b,c a.b|c a.b,c', bound('job', [allKey]));
  check('$unknown ${other}', '$unknown ${other}', bound('job', ['c']));
  check('$jobs', '$jobs', bound('job', ['c']));
  check('topk($n, x)', 'topk(5, x)', fixed('n', '5'));
});

test('variables in titles are written for people', () => {
  assert.equal(interpolate('Jobs: $job', bindings(bound('job', ['a.b', 'c'])), forText), 'Jobs: a.b + c');
  assert.equal(interpolate('Jobs: $job', bindings(bound('job', [allKey])), forText), 'Jobs: All');
});

test('macros of intervals and ranges', () => {
  const found = macros({ interval: 15_000, scrapeInterval: 30_000, start: 0, end: 3_600_000 });
  const check = (name: string, expected: string) => assert.equal(found.get(name)?.values[0], expected, name);
  check('__interval', '15s');
  check('__interval_ms', '15000');
  check('__rate_interval', '2m');
  check('__range', '3600s');
  check('__range_s', '3600');
  check('__from', '0');
  check('__to', '3600000');
});

test('legends', () => {
  const a = { __name__: 'up', instance: 'x', job: 'j' };
  const b = { __name__: 'up', instance: 'y', job: 'j' };
  assert.equal(legendTemplate('{{instance}} {{ job }}', a), 'x j');
  assert.equal(legendTemplate('{{missing}}', a), '');
  assert.deepEqual(legendNames([a, b], '__auto', 'up'), ['x', 'y']);
  assert.deepEqual(legendNames([a], '__auto', 'up'), ['{instance="x", job="j"}']);
  assert.deepEqual(legendNames([{}], '__auto', 'sum(up)'), ['sum(up)']);
  assert.deepEqual(legendNames([a], undefined, 'up'), ['up{instance="x", job="j"}']);
  assert.deepEqual(legendNames([a], 'fixed', 'up'), ['fixed']);
  // A constant that holds a template is put in before the labels are.
  const template = interpolate('$label', bindings(fixed('label', '{{instance}}')), forText);
  assert.deepEqual(legendNames([a, b], template, 'up'), ['x', 'y']);
});

test('queries of variables are taken apart', () => {
  assert.deepEqual(parseVariableQuery('label_values(up{job="a, b"}, instance)'), { kind: 'label_values', selector: 'up{job="a, b"}', label: 'instance' });
  assert.deepEqual(parseVariableQuery('label_values(instance)'), { kind: 'label_values', selector: undefined, label: 'instance' });
  assert.deepEqual(parseVariableQuery('query_result(topk(1, up))'), { kind: 'query_result', expr: 'topk(1, up)' });
  assert.deepEqual(parseVariableQuery('metrics(felix_.*)'), { kind: 'metrics', pattern: 'felix_.*' });
  assert.deepEqual(parseVariableQuery('label_names()'), { kind: 'label_names' });
  assert.deepEqual(parseVariableQuery('up{job="x"}'), { kind: 'series', selector: 'up{job="x"}' });
});

test('options of variables: order, filter, lists', () => {
  assert.deepEqual(sortOptions(['b', 'a10', 'a9'], 1), ['a10', 'a9', 'b']);
  assert.deepEqual(sortOptions(['b', 'a10', 'a9'], 2), ['b', 'a9', 'a10']);
  assert.deepEqual(sortOptions(['n10', 'n9'], 3), ['n9', 'n10']);
  assert.deepEqual(sortOptions(['n10', 'n9'], 7), ['n9', 'n10']);
  assert.deepEqual(filterOptions(['{job="a"} 1', '{job="b"} 1', 'x'], '/job="([^"]+)"/'), ['a', 'b']);
  assert.deepEqual(filterOptions(['aa', 'ab', 'aa'], ''), ['aa', 'ab']);
  assert.deepEqual(filterOptions(['a'], '/(/'), []);
  assert.deepEqual(listedOptions('1, 5 ,a\\,b, Ten : 10'), ['1', '5', 'a,b', '10']);
});

test('the choice of a variable', () => {
  const variable: Variable = { name: 'v', label: 'v', kind: 'query', definition: '', regex: '', sort: 0, multi: true, includeAll: true, allValue: '', hidden: false, saved: [] };
  assert.deepEqual(choose(variable, ['a', 'b'], []), [allKey]);
  assert.deepEqual(choose(variable, ['a', 'b'], ['b', 'gone']), ['b', 'gone']);
  assert.deepEqual(choose(variable, ['a', 'b'], ['All']), [allKey]);
  assert.deepEqual(choose({ ...variable, includeAll: false, multi: false }, ['a', 'b'], []), ['a']);
  assert.deepEqual(choose({ ...variable, includeAll: false, multi: false, saved: ['b'] }, ['a', 'b'], []), ['b']);
  assert.deepEqual(choose({ ...variable, includeAll: false, saved: ['gone'] }, ['a'], []), ['a']);
  assert.deepEqual(choose({ ...variable, includeAll: false }, [], []), []);
});

const dashboard = (panels: unknown[], more: object = {}) => readDashboard({ uid: 'u', title: 'T', panels, ...more });

test('a panel’s query gets variables, macros and a step that is not below the scrape interval', () => {
  const panel = dashboard([{ id: 1, type: 'timeseries', targets: [{ expr: 'rate(x{job=~"$job"}[$__rate_interval])', interval: '$min' }] }]).rows[0]!.panels[0]!;
  const context = { bindings: bindings(bound('job', ['c']), fixed('min', '1m')), start: 0, end: 3_600_000, width: 720, scrapeInterval: 15_000 };
  assert.deepEqual(expressionOf(panel, panel.targets[0]!, context), { expr: 'rate(x{job=~"c"}[4m])', step: 60_000 });
  const without = { ...context, bindings: bindings(bound('job', ['c']), fixed('min', '')) };
  assert.deepEqual(expressionOf(panel, panel.targets[0]!, without), { expr: 'rate(x{job=~"c"}[1m])', step: 15_000 });
});

test('rows, collapsed rows and the panels above the first row', () => {
  const { rows } = dashboard([
    { id: 1, type: 'stat', gridPos: { x: 0, y: 0, w: 6, h: 4 } },
    { id: 2, type: 'row', title: 'Open', gridPos: { x: 0, y: 4, w: 24, h: 1 } },
    { id: 3, type: 'timeseries', gridPos: { x: 0, y: 5, w: 12, h: 8 } },
    { id: 4, type: 'row', title: 'Shut', collapsed: true, gridPos: { x: 0, y: 13, w: 24, h: 1 }, panels: [{ id: 5, type: 'table', gridPos: { x: 0, y: 14, w: 24, h: 8 } }] },
  ]);
  assert.deepEqual(rows.map((row) => [row.title, row.collapsed, row.panels.map((panel) => panel.id)]), [['', false, [1]], ['Open', false, [3]], ['Shut', true, [5]]]);
});

test('nothing is dropped in silence', () => {
  const { notes, rows } = dashboard([
    { id: 1, type: 'piechart', title: 'Pie' },
    { id: 2, type: 'timeseries', title: 'Logs', datasource: { type: 'loki', uid: 'x' }, targets: [{ expr: 'x' }] },
    { id: 3, type: 'graph', title: 'Old', yaxes: [{ format: 'bytes' }], stack: true, targets: [{ expr: 'x' }] },
    { id: 4, type: 'table', title: 'Odd', transformations: [{ id: 'rowsToFields', options: {} }] },
  ], { templating: { list: [{ name: 'f', type: 'adhoc' }] } });
  assert.deepEqual(notes.map((note) => [note.about, note.severity]), [['Pie', 'unsupported'], ['Logs', 'unsupported'], ['Old', 'approximated'], ['Odd', 'approximated'], ['variable f', 'unsupported']]);
  const old = rows[0]!.panels.find((panel) => panel.id === 3)!;
  assert.equal(old.kind, 'timeseries');
  assert.equal(old.defaults['unit'], 'bytes');
});

test('what is no dashboard is refused with the reason', () => {
  assert.throws(() => readDashboard({ hello: 1 }), /neither "panels" nor "rows"/);
  assert.throws(() => readDashboard(null), /not a Grafana dashboard/);
  assert.throws(() => readDashboard({ apiVersion: 'dashboard.grafana.app/v2', spec: { elements: {}, layout: {} } }), /V2 resource format/);
});

test('rows of spans, thresholds that are empty texts, and hidden targets', () => {
  const { rows } = readDashboard({
    title: 'Old', rows: [{ title: 'R', height: '250px', panels: [{ id: 1, type: 'singlestat', span: 6, format: 'percent', thresholds: '50,80', colors: ['green', 'orange', 'red'], targets: [{ expr: 'x' }, { expr: 'y', hide: true }, {}] }] }],
  });
  const panel = rows[0]!.panels[0]!;
  assert.equal(panel.kind, 'stat');
  assert.equal(panel.grid.w, 12);
  assert.equal(panel.targets.length, 1);
  assert.deepEqual(thresholdsOf(panel.defaults), [{ value: -Infinity, color: 'green' }, { value: 50, color: 'orange' }, { value: 80, color: 'red' }]);
  assert.deepEqual(thresholdsOf({ thresholds: { steps: [{ color: 'green', value: '' }] } }), [{ value: -Infinity, color: 'green' }]);
});

test('overrides, mappings and thresholds', () => {
  const panel: Pick<Panel, 'defaults' | 'overrides'> = {
    defaults: { unit: 'short', custom: { lineWidth: 1 } },
    overrides: [
      { matcher: { id: 'byRegexp', options: '/^err/i' }, properties: [{ id: 'unit', value: 'eps' }, { id: 'custom.lineWidth', value: 3 }] },
      { matcher: { id: 'byFrameRefID', options: 'B' }, properties: [{ id: 'custom.axisPlacement', value: 'right' }] },
      { matcher: { id: 'byRegexp', options: '/(/' }, properties: [{ id: 'unit', value: 'never' }] },
    ],
  };
  assert.deepEqual(fieldOptions(panel, { name: 'Errors', refId: 'B', type: 'number' }), { unit: 'eps', custom: { lineWidth: 3, axisPlacement: 'right' } });
  assert.deepEqual(fieldOptions(panel, { name: 'ok', refId: 'A', type: 'number' }), { unit: 'short', custom: { lineWidth: 1 } });
  const options = { mappings: [{ type: 'value', options: { 1: { text: 'up', color: 'green' } } }, { type: 'range', options: { from: 2, to: 5, result: { text: 'some' } } }, { type: 'special', options: { match: 'null+nan', result: { text: 'none' } } }] };
  assert.deepEqual(mapped(options, 1), { text: 'up', color: 'green' });
  assert.deepEqual(mapped(options, 3), { text: 'some' });
  assert.deepEqual(mapped(options, undefined), { text: 'none' });
  assert.equal(mapped(options, 9), undefined);
  const steps = thresholdsOf({ min: 0, max: 200, thresholds: { mode: 'percentage', steps: [{ color: 'green', value: null }, { color: 'red', value: 50 }] } });
  assert.equal(thresholdColor(steps, 99), 'green');
  assert.equal(thresholdColor(steps, 100), 'red');
});

test('tables: joined, renamed, ordered', () => {
  const row = (refId: string, node: string, value: number) => ({ refId, labels: { node }, time: 0, value });
  const frames = framesOf([row('A', 'n1', 1), row('A', 'n2', 2), row('B', 'n2', 20), row('B', 'n3', 30)], ['A', 'B']);
  const [joined] = transform(frames, [
    { id: 'joinByField', options: { byField: 'node', mode: 'outer' } },
    { id: 'organize', options: { excludeByName: { 'Time 1': true, 'Time 2': true }, renameByName: { 'Value #A': 'First', 'Value #B': 'Second' }, indexByName: { 'Value #B': 1, 'Value #A': 2, node: 0 } } },
    { id: 'sortBy', options: { sort: [{ field: 'Second', desc: true }] } },
  ]);
  assert.deepEqual(joined!.columns.map((column) => [column.name, column.cells]), [['node', ['n3', 'n2', 'n1']], ['Second', [30, 20, undefined]], ['First', [undefined, 2, 1]]]);
});

test('tables: merged and calculated', () => {
  const frames = framesOf([{ refId: 'A', labels: { n: 'x' }, time: 0, value: 6 }, { refId: 'B', labels: { n: 'x' }, time: 0, value: 3 }], ['A', 'B']);
  const [merged] = transform(frames, [
    { id: 'merge', options: {} },
    { id: 'calculateField', options: { mode: 'binary', alias: 'ratio', binary: { left: 'Value #A', operator: '/', right: 'Value #B' } } },
    { id: 'filterFieldsByName', options: { include: { names: ['n', 'ratio'] } } },
  ]);
  assert.deepEqual(merged!.columns.map((column) => [column.name, column.cells]), [['n', ['x']], ['ratio', [2]]]);
});

test('selectors are found in a parsed expression', () => {
  const tree = { type: 'binaryExpr', lhs: { type: 'call', args: [{ type: 'matrixSelector', name: 'a', matchers: [{ name: '__name__', type: '=', value: 'a' }, { name: 'job', type: '=~', value: 'x|y' }] }] }, rhs: { type: 'vectorSelector', name: 'b', matchers: [] } };
  assert.deepEqual(selectorsOf(tree), [{ name: 'a', selector: 'a{job=~"x|y"}' }, { name: 'b', selector: 'b' }]);
});
