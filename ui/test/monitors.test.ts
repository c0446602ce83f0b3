// What became of each monitor, as rows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Monitors } from '../src/api/monitors.ts';
import { filtered, rowsOf } from '../src/pages/monitors/rows.ts';

const none: Monitors = { objects: [], jobs: [], leftOut: [], unselected: [], unreadable: [] };
const taken = (object: string, message: string | null = null, kind = 'ServiceMonitor') => ({ kind, object, accepted: message === null, reason: null, message });
const job = (object: string, targets: number, fellOut: Record<string, number> = {}) => ({ pool: `serviceMonitor/${object}/0`, kind: 'ServiceMonitor', object, targets, fellOut });
const shown = (all: Partial<Monitors>) => rowsOf({ ...none, ...all }).map(({ fate, object, targets, says }) => `${fate} ${object} ${targets}: ${says}`);

test('the broken come first, each with its reason', () => {
  const all = {
    objects: [taken('a/fine'), taken('a/bad', 'metricRelabelings[0]: no action'), taken('a/lost'), taken('a/rule', null, 'PrometheusRule')],
    jobs: [job('a/fine', 3, { port: 2 }), job('a/lost', 0, { selector: 40, port: 1, namespace: 0 })],
    unselected: [{ kind: 'PodMonitor', object: 'b/nobody', why: ['label release is missing, wanted is release=prometheus'] }, { kind: 'Probe', object: 'b/old' }],
    unreadable: [{ kind: 'ServiceMonitor', object: 'c/strange', message: 'spec.endpoints: not a list' }],
  };
  assert.deepEqual(shown(all), [
    'refused a/bad 0: metricRelabelings[0]: no action',
    'refused c/strange 0: cannot be read: spec.endpoints: not a list',
    'unselected b/nobody 0: label release is missing, wanted is release=prometheus',
    'unselected b/old 0: no Prometheus selects it',
    'empty a/lost 0: no target; candidates: 1 with another port, 40 without the labels that are selected',
    'active a/fine 3: ',
    'active a/rule 0: ',
  ]);
});

test('a rule that is wrong says where', () => {
  const details = 'a/bad:3:7: unexpected end of input\n3 | sum(\n  |    ^';
  assert.deepEqual(shown({ objects: [{ ...taken('a/bad', 'invalid rule', 'PrometheusRule'), details }] }), ['refused a/bad 0: invalid rule: a/bad:3:7: unexpected end of input']);
});

test('several endpoints of a monitor are one row', () => {
  assert.deepEqual(shown({ objects: [taken('a/two')], jobs: [job('a/two', 0, { port: 1 }), job('a/two', 2, { port: 3 })] }), ['active a/two 2: ']);
  assert.deepEqual(shown({ objects: [taken('a/two')], jobs: [job('a/two', 0, { port: 1 }), job('a/two', 0, { port: 3 })] }), ['empty a/two 0: no target; candidates: 4 with another port']);
  assert.deepEqual(shown({ objects: [taken('a/two')], jobs: [job('a/two', 0)] }), ['empty a/two 0: no target: nothing was found that could be one']);
});

test('words and fates filter', () => {
  const rows = rowsOf({ ...none, objects: [taken('shop/cart'), taken('shop/pay', 'bad port')], jobs: [job('shop/cart', 1)] });
  assert.deepEqual(filtered(rows, 'PAY port', 'all').map(({ object }) => object), ['shop/pay']);
  assert.deepEqual(filtered(rows, '', 'active').map(({ object }) => object), ['shop/cart']);
});
