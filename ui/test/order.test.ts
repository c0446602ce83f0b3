// The order of names, and times as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { natural } from '../src/format/natural.ts';
import { zoneFormats, zoneName } from '../src/time/zone.ts';

test('names are in the order people expect', () => {
  const sorted = (names: string[]) => [...names].sort(natural);
  assert.deepEqual(sorted(['node-10', 'node-9', 'node-1']), ['node-1', 'node-9', 'node-10']);
  assert.deepEqual(sorted(['b', 'A', 'a', 'B']), ['A', 'a', 'B', 'b']);
  assert.deepEqual(sorted(['10.0.0.10:9091', '10.0.0.9:9091', '9.0.0.1:9091']), ['9.0.0.1:9091', '10.0.0.9:9091', '10.0.0.10:9091']);
  assert.deepEqual(sorted(['a', '', 'a1', 'a01', 'a001b', 'a1a']), ['', 'a', 'a01', 'a1', 'a1a', 'a001b']);
  assert.equal(natural('x99999999999999999999', 'x99999999999999999998') > 0, true);
  assert.equal(natural('same', 'same'), 0);
});

test('the order is one: antisymmetric and transitive', () => {
  const names = ['', '0', '00', '1', '01', '10', 'a', 'A', 'a0', 'a00', 'a1', 'a01b', 'a1b', 'b', 'é', 'node-2', 'node-10', 'node-02'];
  for (const a of names) {
    for (const b of names) {
      assert.equal(Math.sign(natural(a, b)), -Math.sign(natural(b, a)) + 0, `${a} ${b}`);
      for (const c of names) if (natural(a, b) < 0 && natural(b, c) < 0) assert.ok(natural(a, c) < 0, `${a} ${b} ${c}`);
    }
  }
});

test('zones are named by their offset', () => {
  const check = (minutes: number, name: string) => assert.equal(zoneName(minutes), name);
  check(0, 'UTC');
  check(60, 'UTC+1');
  check(-210, 'UTC-3:30');
  check(345, 'UTC+5:45');
});

test('times of this zone are those of Intl', () => {
  const intl = new Intl.DateTimeFormat('en-GB', { hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const here = zoneFormats('browser');
  for (const at of [0, Date.UTC(2026, 2, 29, 1, 59, 59), Date.UTC(2026, 6, 1, 12), Date.UTC(2026, 11, 31, 23, 30)]) {
    const part = Object.fromEntries(intl.formatToParts(at).map(({ type, value }) => [type, value]));
    assert.equal(here.full(at), `${part['year']}-${part['month']}-${part['day']} ${part['hour']}:${part['minute']}:${part['second']}`);
  }
});
