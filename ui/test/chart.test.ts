// Columns, calculations, stacking, axes, colours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reduce } from '../src/chart/frame.ts';
import { columnsOf, readColumns, readNumber, toColumns } from '../src/api/matrix.ts';
import { alignedGrid, gridTimes } from '../src/time/grid.ts';
import { darkPanel, darkSeries, darkState, lightPanel, lightSeries, lightState, namedColor, strokeOf } from '../src/chart/palette.ts';
import type { LineSeries } from '../src/chart/line.tsx';
import { around } from '../src/chart/nearest.ts';
import { stack } from '../src/chart/stack.ts';

test('answers lie on an even grid, gaps stay gaps', () => {
  const grid = alignedGrid(10_500, 40_900, 10_000);
  assert.deepEqual(grid, { start: 10_000, end: 40_000, step: 10_000 });
  assert.deepEqual(gridTimes(grid), [10, 20, 30, 40]);
  const [column] = toColumns([{ metric: { a: 'b' }, values: [[10, '1'], [30, 'NaN'], [40, '+Inf']] }], grid);
  assert.deepEqual(column!.values, [1, null, null, Infinity]);
  assert.equal(column!.samples, 3);
});

test('steps below a second keep their place', () => {
  const grid = alignedGrid(0, 1000, 100);
  assert.equal(gridTimes(grid).length, 11);
  const [column] = toColumns([{ metric: {}, values: [[0.3, '3'], [0.7, '7']] }], grid);
  assert.equal(column!.values[3], 3);
  assert.equal(column!.values[7], 7);
});

test('numbers are read from bytes as the engine reads them', () => {
  const read = (text: string) => readNumber(new TextEncoder().encode(text), 0, text.length);
  const exact = (text: string) => assert.ok(Object.is(read(text), Number(text)), text);
  // More than 15 digits: at most two units in the last place.
  const near = (text: string) => assert.ok(Math.abs(read(text) - Number(text)) <= 2 * Number.EPSILON * Math.abs(Number(text)), `${text} is read as ${read(text)}`);
  for (const text of ['0', '-0', '1', '-1.5', '0.001', '1795728879.123', '0.1', '123456789012345', '1e21', '-2.5e-7', '2.5E+7', '100000000000000000000', '1e-310', '1.7976931348623157e308', '5e-324']) exact(text);
  for (const text of ['9007199254740993', '0.30000000000000004', '0.0000000000000000000000012', '123456789012345678901234567890123456789', '1.2345678901234567e-200']) near(text);
  assert.equal(read('+Inf'), Infinity);
  assert.equal(read('-Inf'), -Infinity);
  assert.ok(Number.isNaN(read('NaN')));
  let state = 7;
  for (let i = 0; i < 20_000; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const size = 10 ** ((state % 60) - 30);
    near(String((state / 3) * size));
    near(((state / 7) * size).toPrecision(1 + (state % 17)));
    exact(String(state / 1000));
  }
});

test('an answer read from its bytes is the answer read as JSON', () => {
  const grid = { start: 10_000, end: 40_000, step: 10_000 };
  const check = (envelope: object, written = JSON.stringify(envelope)) => {
    const { status, data, warnings } = columnsOf(new TextEncoder().encode(written), grid);
    const expected = JSON.parse(written) as { status: string; data: { result: Parameters<typeof toColumns>[0] }; warnings?: string[] };
    assert.equal(status, expected.status);
    assert.deepEqual(warnings, expected.warnings);
    assert.deepEqual(data, toColumns(expected.data.result, grid));
  };
  const matrix = (result: object[]) => ({ status: 'success', data: { resultType: 'matrix', result }, warnings: ['"values":[ in a text'] });
  check(matrix([]));
  check(matrix([{ metric: { a: 'b' }, values: [[10, '1'], [20.001, '-0.25'], [30, 'NaN'], [40, '+Inf']] }, { metric: {}, values: [] }]));
  // Names and values that look like the list, backslashes, what lies off the grid, histograms with and without values.
  check(matrix([{ metric: { values: '"values":[[1,"2"]]', '\\"values':  '\\', é: '€' }, values: [[10, '1'], [50, '2'], [0, '3']] }]));
  check(matrix([{ metric: { h: '1' }, histograms: [[10, { count: '1', sum: '1', buckets: [] }]] }, { metric: { h: '2' }, values: [[10, '5']], histograms: [[20, {}]] }]));
  // Another way of writing is left to JSON.parse.
  const spaced = matrix([{ metric: { a: 'b' }, values: [[10, '1'], [20, '2']] }]);
  check(spaced, JSON.stringify(spaced, null, 1));
  check(spaced, JSON.stringify(spaced).replace('],[20', '], [20'));
  const failed = columnsOf(new TextEncoder().encode('{"status":"error","error":"no"}'), grid);
  assert.deepEqual(failed, { status: 'error', error: 'no' });
});

test('calculations', () => {
  const values = [null, 2, 6, null, 4, null];
  const check = (calc: string, expected: number | undefined) => assert.equal(reduce(values, calc), expected, calc);
  check('lastNotNull', 4);
  check('last', undefined);
  check('firstNotNull', 2);
  check('min', 2);
  check('max', 6);
  check('mean', 4);
  check('sum', 12);
  check('range', 4);
  check('diff', 2);
  check('delta', 4);
  check('count', 6);
  assert.equal(reduce([null], 'max'), undefined);
});

test('stacks pile up by group, negative values apart, gaps count as nothing', () => {
  const drawn = stack([
    { values: [1, null, 3], group: 'a', percent: false },
    { values: [10, 20, null], group: 'a', percent: false },
    { values: [-1, -1, -1], group: 'a', percent: false },
    { values: [5, 5, 5], group: undefined, percent: false },
  ]);
  assert.deepEqual(drawn, [[1, null, 3], [11, 20, null], [-1, -1, -1], [5, 5, 5]]);
  const shares = stack([{ values: [1, 0], group: 'a', percent: true }, { values: [3, 0], group: 'a', percent: true }]);
  assert.deepEqual(shares, [[0.25, 0], [1, 0]]);
});

const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const rgb = (hex: string) => [1, 3, 5].map((at) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
const luminance = (color: number[]) => 0.2126 * color[0]! + 0.7152 * color[1]! + 0.0722 * color[2]!;

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(rgb(a)), luminance(rgb(b))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function oklab([r, g, b]: number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r! + 0.5363325363 * g! + 0.0514459929 * b!);
  const m = Math.cbrt(0.2119034982 * r! + 0.6806995451 * g! + 0.1073969566 * b!);
  const s = Math.cbrt(0.0883024619 * r! + 0.2817188376 * g! + 0.6299787005 * b!);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

// Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
const visions: Record<string, number[][]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const seen = (matrix: number[][], color: number[]) => matrix.map((row) => Math.min(1, Math.max(0, row[0]! * color[0]! + row[1]! * color[1]! + row[2]! * color[2]!)));

test('series are readable and apart in both themes for every kind of colour vision', () => {
  for (const [colors, background] of [[lightSeries, lightPanel], [darkSeries, darkPanel]] as const) {
    for (const color of colors) assert.ok(contrast(color, background) >= 3, `${color} on ${background} has ${contrast(color, background).toFixed(2)}`);
    for (const [vision, matrix] of Object.entries(visions)) {
      const points = colors.map((color) => oklab(seen(matrix, rgb(color))));
      points.forEach((a, i) => points.slice(0, i).forEach((b, j) => {
        const distance = 100 * Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!);
        assert.ok(distance >= 10, `${colors[i]} and ${colors[j]} are ${distance.toFixed(1)} apart under ${vision}`);
      }));
    }
  }
});

test('states are readable as text', () => {
  for (const [states, background] of [[lightState, lightPanel], [darkState, darkPanel]] as const) {
    for (const [name, color] of Object.entries(states)) assert.ok(contrast(color, background) >= 4.5, `${name} ${color} has ${contrast(color, background).toFixed(2)}`);
  }
});

test('no two of the first 32 series look the same, and names of Grafana are known', () => {
  for (const dark of [true, false]) {
    const looks = Array.from({ length: 32 }, (_, i) => JSON.stringify(strokeOf(i, dark)));
    assert.equal(new Set(looks).size, 32);
    assert.equal(namedColor('semi-dark-red', dark), (dark ? darkState : lightState).bad);
    assert.equal(namedColor('#123456', dark), '#123456');
  }
});

test('an answer in columns is read on its grid', () => {
  const write = (points: number, rows: number[][], head: object = { status: 'success', warnings: ['w'], data: { resultType: 'matrix', start: 10_000, step: 10_000, points, result: rows.map((_, i) => ({ metric: { i: String(i) } })) } }) => {
    const text = new TextEncoder().encode(JSON.stringify(head));
    const from = Math.ceil((8 + text.length) / 8) * 8;
    const bytes = new Uint8Array(from + 8 * points * rows.length).fill(32);
    const view = new DataView(bytes.buffer);
    bytes.set(new TextEncoder().encode('TCOL'));
    view.setUint32(4, from - 8, true);
    bytes.set(text, 8);
    rows.forEach((row, r) => row.forEach((value, k) => view.setFloat64(from + 8 * (points * r + k), value, true)));
    return bytes;
  };
  const grid = { start: 10_000, end: 40_000, step: 10_000 };
  const read = readColumns(write(4, [[1, NaN, -Infinity, 4], [NaN, NaN, NaN, NaN]]), grid);
  assert.deepEqual(read?.warnings, ['w']);
  assert.deepEqual(read?.data, [
    { labels: { i: '0' }, values: [1, null, -Infinity, 4], samples: 3, histogram: false },
    { labels: { i: '1' }, values: [null, null, null, null], samples: 0, histogram: false },
  ]);
  // A server's grid that is longer than the chart's.
  assert.deepEqual((readColumns(write(6, [[1, 2, 3, 4, 5, 6]]), grid)?.data as { values: unknown }[])[0]?.values, [1, 2, 3, 4]);
  assert.equal(readColumns(new TextEncoder().encode('{"status":"success"}'), grid), undefined);
  assert.throws(() => readColumns(write(4, [[1, 2, 3, 4]]).subarray(0, -8), grid), /cut off/);
});

test('a tooltip names the series around the pointer as sorting all of them would', () => {
  let state = 3;
  const random = (below: number) => ((state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16) % below;
  for (let round = 0; round < 300; round++) {
    const series = Array.from({ length: random(40) }, (_, i) => ({ name: `s${i}`, hidden: random(5) === 0, values: [random(4) === 0 ? null : random(20)] }) as unknown as LineSeries);
    const at = random(24) - 2;
    const rows = series.flatMap((one) => (one.hidden || one.values[0] === null ? [] : [{ one, value: one.values[0]! }])).sort((a, b) => b.value - a.value);
    let nearest = rows[0];
    for (const row of rows) if (Math.abs(row.value - at) < Math.abs(nearest!.value - at)) nearest = row;
    const first = Math.max(0, Math.min(rows.indexOf(nearest!) - 6, rows.length - 12));
    const found = around(series, 0, at, 12);
    assert.equal(found.total, rows.length);
    assert.equal(found.nearest?.one.name, nearest?.one.name);
    assert.deepEqual(found.shown.map(({ one }) => one.name), rows.slice(first, first + 12).map(({ one }) => one.name));
  }
});
