// The answer of a range query read straight from its bytes, which are columns of doubles when the server has them. Of JSON, `JSON.parse` makes a list and a text of every sample, which
// takes a second and a half for a thousand series of a thousand points; here each sample becomes a number on the grid at
// once, and only what is left (labels, warnings, errors) is parsed as JSON.
import { pointsOf, type Grid } from '../time/grid.ts';
import { call, type Answer, type Envelope } from './client.ts';
import { parseValue, rangeParams, type Labels, type MatrixItem, type RangeRequest } from './prometheus.ts';

/** One series of an answer on its grid. */
export interface Column {
  labels: Labels;
  /** One value a grid point; null is a gap. */
  values: (number | null)[];
  /** Samples in the answer. */
  samples: number;
  /** The answer held native histograms, which are not drawn as lines. */
  histogram: boolean;
}

const quote = 34;
const plus = 43;
const comma = 44;
const minus = 45;
const dot = 46;
const zero = 48;
const nine = 57;
const open = 91;
const backslash = 92;
const close = 93;
const lowerE = 101;
const upperE = 69;

/** Samples of one series laid on a grid. */
export interface Laid {
  /** One value a grid point; null is a gap, and so is NaN. */
  values: (number | null)[];
  /** Samples in the answer. */
  samples: number;
}

export interface ReadMatrix {
  /** The answer with every list of samples left empty. */
  rest: string;
  /** The lists in the order of the answer. */
  laid: Laid[];
}

/** The powers of ten that a double holds exactly. */
const powers = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits that fit into a double whatever they are. */
const exactDigits = 15;
const latin = new TextDecoder('latin1');
const key = [...'"values":['].map((one) => one.charCodeAt(0));

/**
 * Reads the number in `bytes` from `from` to `to`. With at most 15 digits the result is the one that reading the text would
 * give; with more it may lie two units in the last place away, which no chart and no rounded number shows, and which saves
 * making a text of every sample.
 */
export function readNumber(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  const negative = bytes[at] === minus;
  if (negative) at++;
  let head = 0;
  let tail = 0;
  let digits = 0;
  let tailDigits = 0;
  let scale = 0;
  let pointSeen = false;
  for (; at < to; at++) {
    const byte = bytes[at]!;
    if (byte >= zero && byte <= nine) {
      if (digits < exactDigits) {
        head = head * 10 + byte - zero;
        if (head > 0) digits++;
        if (pointSeen) scale--;
      } else if (tailDigits < exactDigits) {
        tail = tail * 10 + byte - zero;
        tailDigits++;
        if (pointSeen) scale--;
      } else if (!pointSeen) scale++;
    } else if (byte === dot && !pointSeen) pointSeen = true;
    else break;
  }
  if (at < to && (bytes[at] === lowerE || bytes[at] === upperE)) {
    let exponent = 0;
    const down = bytes[at + 1] === minus;
    at += down || bytes[at + 1] === plus ? 2 : 1;
    for (; at < to && bytes[at]! >= zero && bytes[at]! <= nine; at++) exponent = exponent * 10 + bytes[at]! - zero;
    scale += down ? -exponent : exponent;
  }
  // Words such as `NaN`, and sizes at which the steps below would lose digits.
  if (at < to || from === to || scale < -290 || scale > 280) return parseValue(latin.decode(bytes.subarray(from, to)));
  let size = tailDigits === 0 ? head : head * powers[tailDigits]! + tail;
  for (; scale < -22; scale += 22) size /= 1e22;
  for (; scale > 22; scale -= 22) size *= 1e22;
  size = scale < 0 ? size / powers[-scale]! : size * powers[scale]!;
  return negative ? -size : size;
}

/** Whether the key of a list of samples stands at `at`. */
function isKey(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}

/** The byte after the text that begins with the quote at `at`. */
function afterText(bytes: Uint8Array, at: number): number {
  let i = at + 1;
  while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1;
  return i + 1;
}

/**
 * Reads samples `[seconds,"value"]` from `at`, which follows the list's bracket, and returns where the list's own closing
 * bracket stands; -1 when it is written in another way than servers write it.
 */
function readList(bytes: Uint8Array, at: number, grid: Grid, into: Laid): number {
  const count = into.values.length;
  let i = at;
  if (bytes[i] === close) return i;
  while (bytes[i] === open) {
    const timeFrom = ++i;
    while (i < bytes.length && bytes[i] !== comma) i++;
    const seconds = readNumber(bytes, timeFrom, i);
    if (bytes[i + 1] !== quote) return -1;
    const valueFrom = i + 2;
    i = valueFrom;
    while (i < bytes.length && bytes[i] !== quote) i++;
    const value = readNumber(bytes, valueFrom, i);
    if (bytes[i + 1] !== close) return -1;
    const point = Math.round((seconds * 1000 - grid.start) / grid.step);
    // NaN is the only value that is not itself.
    if (point >= 0 && point < count && value === value) into.values[point] = value;
    into.samples++;
    i += 2;
    if (bytes[i] === close) return i;
    if (bytes[i] !== comma) return -1;
    i++;
  }
  return -1;
}

/** Takes the samples out of an answer; `undefined` when it is not written as Prometheus writes it. */
export function readMatrix(bytes: Uint8Array, grid: Grid): ReadMatrix | undefined {
  const text = new TextDecoder();
  const points = pointsOf(grid);
  const laid: Laid[] = [];
  let rest = '';
  let copied = 0;
  let i = 0;
  while (i < bytes.length) {
    if (bytes[i] !== quote) {
      i++;
      continue;
    }
    // A label may be called `values` too, but its value is a text, not a list.
    if (!isKey(bytes, i)) {
      i = afterText(bytes, i);
      continue;
    }
    const from = i + key.length;
    const series: Laid = { values: new Array<number | null>(points).fill(null), samples: 0 };
    const end = readList(bytes, from, grid, series);
    if (end < 0) return undefined;
    laid.push(series);
    rest += text.decode(bytes.subarray(copied, from));
    copied = end;
    i = end + 1;
  }
  return { rest: rest + text.decode(bytes.subarray(copied)), laid };
}

/** Lays the series of a parsed answer on the grid. NaN counts as a gap. */
export function toColumns(items: MatrixItem[], grid: Grid): Column[] {
  const count = pointsOf(grid);
  return items.map(({ metric, values, histograms }) => {
    const column: (number | null)[] = new Array<number | null>(count).fill(null);
    for (const [seconds, text] of values ?? []) {
      const at = Math.round((seconds * 1000 - grid.start) / grid.step);
      const value = parseValue(text);
      if (at >= 0 && at < count && !Number.isNaN(value)) column[at] = value;
    }
    return { labels: metric, values: column, samples: values?.length ?? 0, histogram: (histograms?.length ?? 0) > 0 };
  });
}

/** The answer of a range query as columns; `data` is left as it came when it is no matrix. Throws what `JSON.parse` throws. */
export function columnsOf(bytes: Uint8Array, grid: Grid): Envelope {
  const whole = () => JSON.parse(new TextDecoder().decode(bytes)) as Envelope;
  const read = readMatrix(bytes, grid);
  const envelope = read === undefined ? whole() : (JSON.parse(read.rest) as Envelope);
  const matrix = matrixOf(envelope);
  if (matrix === undefined) return envelope;
  const listed = matrix.filter(({ values }) => values !== undefined).length;
  // Lists that were not recognised are still in the text.
  if (read === undefined || read.laid.length !== listed) return { ...envelope, data: toColumns(matrixOf(whole()) ?? [], grid) };
  let next = 0;
  const columns = matrix.map(({ metric, values, histograms }): Column => {
    const laid = values === undefined ? undefined : read.laid[next++];
    return { labels: metric, values: laid?.values ?? new Array<number | null>(pointsOf(grid)).fill(null), samples: laid?.samples ?? 0, histogram: (histograms?.length ?? 0) > 0 };
  });
  return { ...envelope, data: columns };
}

function matrixOf({ status, data }: Envelope): MatrixItem[] | undefined {
  if (status !== 'success') return undefined;
  const { resultType, result } = (data ?? {}) as { resultType?: string; result?: MatrixItem[] };
  return resultType === 'matrix' ? result : undefined;
}

/** The first letters of an answer in columns. */
const magic = [...'TCOL'].map((one) => one.charCodeAt(0));

/**
 * Reads an answer in columns: a head of JSON, then the values of each series on the server's grid as little-endian doubles, where
 * any NaN is a gap. `undefined` when the bytes are in another form.
 */
export function readColumns(bytes: Uint8Array, grid: Grid): Envelope | undefined {
  if (bytes.length < 8 || magic.some((one, i) => bytes[i] !== one)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = 8 + view.getUint32(4, true);
  const envelope = JSON.parse(new TextDecoder().decode(bytes.subarray(8, from))) as Envelope;
  const { start, step, points, result } = envelope.data as { start: number; step: number; points: number; result: { metric: Labels }[] };
  if (bytes.length !== from + 8 * points * result.length) throw new Error('the answer was cut off');
  const count = pointsOf(grid);
  const data = result.map(({ metric }, row): Column => {
    const values = new Array<number | null>(count).fill(null);
    let samples = 0;
    for (let k = 0, at = from + 8 * points * row; k < points; k++, at += 8) {
      const value = view.getFloat64(at, true);
      // NaN is the only value that is not itself.
      if (value !== value) continue;
      samples++;
      const point = Math.round((start + k * step - grid.start) / grid.step);
      if (point >= 0 && point < count) values[point] = value;
    }
    return { labels: metric, values, samples, histogram: false };
  });
  return { ...envelope, data };
}

/** What a chart asks for: columns where the server has them, else JSON as of any Prometheus. */
const accept = 'application/vnd.tortie.columns, application/json;q=0.9';

/** Evaluates an expression over a range and lays the answer on the range's grid. */
export function queryColumns(request: RangeRequest, signal?: AbortSignal): Promise<Answer<Column[]>> {
  return call('v1/query_range', rangeParams(request), signal, (body) => readColumns(body, request) ?? columnsOf(body, request), accept);
}
