// Rows of alerts and rules, and why a condition holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert, Group, Part, Rule } from '../src/api/rules.ts';
import { outline } from '../src/pages/alerts/outline.ts';
import { alertRows, counts, entriesOf, type View } from '../src/pages/alerts/rows.ts';
import { measured, reasons } from '../src/pages/alerts/why.ts';

const alert = (state: Alert['state'], labels: Record<string, string>, activeAt = '2026-11-27T00:00:00Z'): Alert => ({ labels, annotations: {}, state, activeAt, value: '1e+00' });
const rule = (name: string, more: Partial<Rule> = {}): Rule => ({ type: 'alerting', name, query: 'up == 0', labels: {}, annotations: {}, health: 'ok', evaluationTime: 0, lastEvaluation: '', state: 'inactive', alerts: [], ...more });
const group = (name: string, rules: Rule[]): Group => ({ name, file: 'f.yml', interval: 15, limit: 0, evaluationTime: 0, lastEvaluation: '', rules });
const all: View = { text: '', state: 'all', toggled: new Set() };
const names = (groups: Group[], view: Partial<View> = {}) => alertRows(entriesOf(groups), { ...all, ...view }).rows.map((row) => (row.kind === 'rule' ? row.entry.rule.name : `  ${row.alert.state} ${row.alert.labels['node'] ?? ''}`.trimEnd()));

test('the loudest alerts come first, broken rules before quiet ones, the watchdog after both', () => {
  const groups = [
    group('a', [
      rule('Quiet'),
      rule('Watchdog', { state: 'firing', alerts: [alert('firing', {})] }),
      rule('Broken', { health: 'err', lastError: 'many-to-many' }),
      rule('Warns', { state: 'firing', labels: { severity: 'warning' }, alerts: [alert('firing', { node: 'n2' })] }),
      rule('Waits', { state: 'pending', alerts: [alert('pending', { node: 'n1' })] }),
      rule('Pages', { state: 'firing', labels: { severity: 'critical' }, alerts: [alert('pending', { node: 'n4' }), alert('firing', { node: 'n3' })] }),
      { ...rule('records:sum'), type: 'recording' },
    ]),
  ];
  assert.deepEqual(names(groups), ['Pages', '  firing n3', '  pending n4', 'Warns', '  firing n2', 'Waits', '  pending n1', 'Broken', 'Watchdog', 'Quiet']);
  assert.deepEqual(names(groups, { state: 'pending' }), ['Pages', '  pending n4', 'Waits', '  pending n1']);
  assert.deepEqual(names(groups, { text: 'n3' }), ['Pages', '  firing n3']);
  assert.deepEqual(names(groups, { text: 'many-to' }), ['Broken']);
  assert.deepEqual(counts(entriesOf(groups)), { firing: 3, pending: 2, inactive: 2 });
});

test('rules of one name in one group keep apart in the address', () => {
  const keys = entriesOf([group('g', [rule('Twice'), rule('Twice')])]).map(({ key }) => key);
  assert.deepEqual(keys, ['f.yml;g;Twice;1', 'f.yml;g;Twice;2']);
});

test('ten thousand firing alerts are closed until asked for, and filtered at once', () => {
  const many = rule('Many', { state: 'firing', alerts: Array.from({ length: 10_000 }, (_, i) => alert('firing', { node: `n${i}` })) });
  assert.deepEqual(names([group('g', [many])]), ['Many']);
  const started = performance.now();
  assert.equal(alertRows(entriesOf([group('g', [many])]), { ...all, text: 'node=n77' }).alerts, 111);
  assert.ok(performance.now() - started < 500);
  const key = entriesOf([group('g', [many])])[0]!.key;
  assert.equal(alertRows(entriesOf([group('g', [many])]), { ...all, toggled: new Set([key]) }).rows.length, 10_001);
});

const scalar = (value: string): Part => ({ expr: value, scalar: value });
const vector = (expr: string, values: Record<string, string>): Part => ({ expr, count: Object.keys(values).length, series: Object.entries(values).map(([node, value]) => ({ metric: { node }, value })) });
const joined = (op: string, left: Part, right: Part, count: number): Part => ({ expr: `${left.expr} ${op} ${right.expr}`, op, count, parts: [left, right] });
const said = (part: Part) => reasons(part).map(({ depth, state, text }) => `${'  '.repeat(depth)}${state}: ${text}`);

test('a comparison says how many pass, or what came nearest', () => {
  const values = vector('x', { a: '1', b: '0.5', c: '3' });
  assert.deepEqual(said(joined('>', values, scalar('2'), 1)), ['holds: 1 of 3 series is > 2']);
  assert.deepEqual(said(joined('>', values, scalar('5'), 0)), ['fails: none of 3 series is > 5; the highest is 3 of {node="c"}']);
  assert.deepEqual(said(joined('<', values, scalar('0'), 0)), ['fails: none of 3 series is < 0; the lowest is 0.5 of {node="b"}']);
  assert.deepEqual(said(joined('==', vector('y', {}), scalar('0'), 0)), ['fails: there is no series of y']);
  assert.deepEqual(said(joined('>', values, vector('z', {}), 0)), ['fails: there is no series of z to compare with']);
});

test('set operators say which side decides', () => {
  const left = joined('>', vector('x', { a: '3' }), scalar('2'), 1);
  assert.deepEqual(said(joined('and', left, vector('y', { b: '1' }), 0)), ['fails: 1 on the left and 1 on the right have no labels in common', '  holds: 1 of 1 series is > 2', '  holds: it has 1 series']);
  assert.deepEqual(said(joined('unless', left, vector('y', { a: '1' }), 0))[0], 'fails: all 1 on the left are excepted by the right side');
  assert.deepEqual(said(joined('or', vector('x', {}), vector('y', {}), 0)), ['fails: neither side holds', '  fails: it has no series', '  fails: it has no series']);
  assert.deepEqual(said(vector('absent(up)', { a: '1' })), ['holds: it has 1 series']);
});

test('what an alert measures is the first comparison with a number', () => {
  const condition = joined('and', joined('>', vector('x', { a: '3' }), scalar('2'), 1), vector('y', {}), 0);
  assert.deepEqual(measured(condition), { expr: 'x', op: '>', threshold: 2 });
  assert.equal(measured(vector('absent(up)', {})), undefined);
});

test('a quiet alert says what it would say', () => {
  const check = (template: string, expect: string) => assert.equal(outline(template), expect);
  check('No Felix is seen at all', 'No Felix is seen at all');
  check('Felix on {{ $labels.host }} is not in sync', 'Felix on ‹host› is not in sync');
  check('{{- $value | humanizePercentage -}} of all {{ .Labels.job }}', '‹value› of all ‹job›');
  check('{{ printf "%.0f" $value }} times on {{ index $labels "my label" }}', '‹value› times on ‹my label›');
  check('a {{ if gt $value 1.0 }}few{{ else }}one{{ end }}', 'a fewone');
  check('{{ $x := 1 }}x {{ query "up" | first }}', 'x ‹…›');
});
