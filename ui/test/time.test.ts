// Durations, ranges, steps and zones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration, roughSpan } from '../src/time/duration.ts';
import { describeRange, fromPrometheus, parseInstant, resolveRange, shift, zoomOut } from '../src/time/range.ts';
import { chooseStep, maxPoints, rateInterval, roundInterval } from '../src/time/step.ts';
import { zoneFormats } from '../src/time/zone.ts';

const minute = 60_000;
const hour = 60 * minute;

test('durations are read and written as Prometheus does', () => {
  const check = (text: string, ms: number | undefined) => assert.equal(parseDuration(text), ms, text);
  check('1h30m', 90 * minute);
  check('250ms', 250);
  check('2w', 14 * 24 * hour);
  check('15', 15_000);
  check('1.5', 1500);
  check('', undefined);
  check('5 m', undefined);
  check('m5', undefined);
  for (const ms of [1, 999, 15_000, 90 * minute, 26 * hour, 400 * 24 * hour]) assert.equal(parseDuration(formatDuration(ms)), ms);
  assert.equal(formatDuration(0), '0s');
  assert.equal(formatDuration(-1500), '-1s500ms');
});

test('rough spans use two units at most', () => {
  assert.equal(roughSpan(0), '0 s');
  assert.equal(roughSpan(59_400), '59 s');
  assert.equal(roughSpan(90_000), '1 m 30 s');
  assert.equal(roughSpan(15 * minute), '15 m');
  assert.equal(roughSpan(76 * hour), '3 d 4 h');
  assert.equal(roughSpan(400 * 24 * hour), '400 d');
});

test('instants: relative, epoch, ISO', () => {
  const now = Date.UTC(2026, 10, 26, 12);
  const check = (text: string, expected: number | undefined) => assert.equal(parseInstant(text, now), expected, text);
  check('now', now);
  check('now-1h30m', now - 90 * minute);
  check('now/d', Date.UTC(2026, 10, 26));
  check('now-1d/d', Date.UTC(2026, 10, 25));
  check('1795694400000', 1_795_694_400_000);
  check('1795694400', 1_795_694_400_000);
  check('2026-11-26 10:00:00', Date.UTC(2026, 10, 26, 10));
  check('2026-11-26T10:00:00+02:00', Date.UTC(2026, 10, 26, 8));
  check('2026-11-26', Date.UTC(2026, 10, 26));
  check('yesterday', undefined);
  check('now-', undefined);
});

test('ranges: empty ones are refused, zoom and shift never pass now', () => {
  const now = 1_000 * hour;
  assert.equal(resolveRange({ from: 'now', to: 'now-1h' }, now), undefined);
  assert.deepEqual(resolveRange({ from: 'now-1h', to: 'now' }, now), { start: now - hour, end: now, live: true });
  const span = { start: now - hour, end: now, live: true };
  assert.deepEqual(zoomOut(span, now), { from: String(now - 2 * hour), to: String(now) });
  assert.deepEqual(shift(span, -1, now), { from: String(now - 1.5 * hour), to: String(now - hour / 2) });
  assert.deepEqual(shift(span, 1, now), { from: String(now - hour), to: String(now) });
  assert.equal(describeRange({ from: 'now-6h', to: 'now' }, String, now), 'last 6h');
});

test('ranges of Prometheus’ addresses', () => {
  const read = (text: string) => fromPrometheus(new URLSearchParams(text));
  assert.deepEqual(read('g0.range_input=2h'), { from: 'now-2h', to: 'now' });
  const end = Date.UTC(2026, 10, 26, 10);
  assert.deepEqual(read('g0.range_input=1h&g0.end_input=2026-11-26 10:00:00'), { from: String(end - hour), to: String(end) });
  assert.equal(read('g0.range_input=nonsense'), undefined);
  assert.equal(read('g0.expr=up'), undefined);
});

test('steps follow Grafana’s ladder', () => {
  const check = (ms: number, expected: number) => assert.equal(roundInterval(ms), expected, String(ms));
  check(5, 1);
  check(1400, 1000);
  check(2000, 2000);
  check(6000, 5000);
  check(14_000, 15_000);
  check(40_000, 30_000);
  check(100_000, 2 * minute);
  check(hour, hour);
  check(5 * hour, 6 * hour);
  assert.deepEqual(chooseStep({ span: hour, points: 600, min: 15_000 }), { interval: 15_000, step: 15_000 });
  assert.deepEqual(chooseStep({ span: 24 * hour, points: 600, min: 15_000 }), { interval: 2 * minute, step: 2 * minute });
  assert.deepEqual(chooseStep({ span: hour, points: 600, min: 15_000, factor: 2 }), { interval: 15_000, step: 30_000 });
});

test('no step asks for more points than the API gives', () => {
  for (const span of [hour, 24 * hour, 30 * 24 * hour, 3650 * 24 * hour]) {
    const { step } = chooseStep({ span, points: 1e9, min: 1 });
    assert.ok(span / step <= maxPoints, `${span} in ${step}`);
  }
});

test('the rate interval holds two samples wherever the window lies', () => {
  assert.equal(rateInterval(15_000, 15_000), minute);
  assert.equal(rateInterval(2 * minute, 15_000), 135_000);
  for (const scrape of [1000, 15_000, 30_000]) for (const step of [1000, 15_000, minute]) assert.ok(rateInterval(step, scrape) >= 2 * scrape);
});

test('times in UTC', () => {
  const utc = zoneFormats('utc');
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  assert.equal(utc.full(at), '2026-01-02 03:04:05');
  assert.equal(utc.minute(at), '03:04');
  assert.equal(utc.day(at), '01-02');
  assert.equal(utc.clock(Date.UTC(2026, 0, 2)), '00:00:00');
  assert.equal(utc.full(NaN), '–');
});
