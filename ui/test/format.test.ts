// Numbers and units as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exact, grouped, significant } from '../src/format/number.ts';
import { formatValue } from '../src/format/units.ts';

function check(value: number, unit: string, expected: string, decimals?: number): void {
  assert.equal(formatValue(value, unit, decimals).replace('\u00a0', ' '), expected, `${value} in ${unit}`);
}

test('units of the bundled and the usual dashboards', () => {
  check(0, 'short', '0');
  check(1234, 'short', '1.23 K');
  check(4_190_000, 'short', '4.19 Mil');
  check(12, 'short', '12');
  check(0.00123, 'short', '0.00123');
  check(1_500_000, 'none', '1500000');
  check(3, 'none', '3');
  check(0.4567, 'percentunit', '45.7%');
  check(99.95, 'percent', '100%');
  check(45.678, 'percent', '45.68%', 2);
  check(1024, 'bytes', '1 KiB');
  check(80_000_000, 'bytes', '76.3 MiB');
  check(80_000_000, 'decbytes', '80 MB');
  check(1000, 'bps', '1 kb/s');
  check(2_000_000, 'Bps', '2 MB/s');
  check(2048, 'binBps', '2 KiB/s');
  check(0.0434, 's', '43.4 ms');
  check(0.000806, 's', '806 µs');
  check(90, 's', '1.5 min');
  check(7200, 's', '2 hours');
  check(3600, 's', '1 hour');
  check(86_400 * 3, 's', '3 days');
  check(1500, 'ms', '1.5 s');
  check(2_500_000, 'ns', '2.5 ms');
  check(0, 's', '0 s');
  check(-0.5, 's', '-500 ms');
  check(12.5, 'ops', '12.5 ops/s');
  check(25_000, 'reqps', '25 K req/s');
  check(1, 'bool_yes_no', 'Yes');
  check(0, 'bool_on_off', 'Off');
  check(3661, 'dthms', '01:01:01');
  check(20, 'celsius', '20°C');
  check(5, 'io/s', '5 io/s');
  check(1e6, 'si:W', '1 MW');
  check(0, 'dateTimeAsIso', '1970-01-01 00:00:00');
});

test('values that are no numbers', () => {
  check(NaN, 's', 'NaN');
  check(Infinity, 'bytes', '+Inf B');
  check(-Infinity, 'none', '-Inf');
});

test('a prefix is taken before rounding would need four digits', () => {
  check(999.4, 'decbytes', '999 B');
  check(999.7, 'decbytes', '1 kB');
});

test('plain numbers', () => {
  assert.equal(significant(0.1 + 0.2), '0.3');
  assert.equal(significant(1234567, 4), '1234567');
  assert.equal(significant(1e20), '1.00e+20');
  assert.equal(significant(NaN), 'NaN');
  assert.equal(grouped(1234567), '1\u202f234\u202f567');
  assert.equal(grouped(999), '999');
  assert.equal(exact(0.1), '0.1');
  assert.equal(exact(-Infinity), '-Inf');
});
