// Answers of range queries as columns on one even time grid.
import { parseValue, type Labels, type MatrixItem } from '../api/prometheus.ts';

export interface Grid {
  /** Epoch milliseconds of the first and last point. */
  start: number;
  end: number;
  /** Milliseconds. */
  step: number;
}

export interface Column {
  labels: Labels;
  /** One value a grid point; null is a gap. */
  values: (number | null)[];
  /** Samples in the answer. */
  samples: number;
  /** The answer held native histograms, which are not drawn as lines. */
  histogram: boolean;
}

/** Grid of a span whose ends lie on multiples of the step, so that panels and refreshes share points. */
export function alignedGrid(start: number, end: number, step: number): Grid {
  const first = Math.floor(start / step) * step;
  const last = Math.floor(end / step) * step;
  return { start: first, end: Math.max(first, last), step };
}

/** Epoch seconds of the grid's points. */
export function gridTimes({ start, end, step }: Grid): number[] {
  const count = Math.floor((end - start) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => (start + i * step) / 1000);
}

/** Lays the series of an answer on the grid. NaN counts as a gap. */
export function toColumns(items: MatrixItem[], grid: Grid): Column[] {
  const count = Math.floor((grid.end - grid.start) / grid.step + 1e-9) + 1;
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

export type Calc = 'last' | 'lastNotNull' | 'first' | 'firstNotNull' | 'min' | 'max' | 'mean' | 'sum' | 'count' | 'range' | 'delta' | 'diff' | 'stdDev';

/** Reduces a column to one number as Grafana's calculations do; undefined when there is nothing to reduce. */
export function reduce(values: readonly (number | null)[], calc: string): number | undefined {
  const known = values.filter((value): value is number => value !== null && !Number.isNaN(value));
  if (calc === 'count') return values.length;
  if (calc === 'last') return values.at(-1) ?? undefined;
  if (calc === 'first') return values[0] ?? undefined;
  if (known.length === 0) return undefined;
  const sum = () => known.reduce((a, b) => a + b, 0);
  switch (calc) {
    case 'min': return known.reduce((a, b) => Math.min(a, b));
    case 'max': return known.reduce((a, b) => Math.max(a, b));
    case 'mean': return sum() / known.length;
    case 'sum': case 'total': return sum();
    case 'firstNotNull': return known[0];
    case 'range': return known.reduce((a, b) => Math.max(a, b)) - known.reduce((a, b) => Math.min(a, b));
    case 'diff': return known.at(-1)! - known[0]!;
    case 'delta': return known.slice(1).reduce((total, value, i) => total + Math.max(0, value - known[i]!), 0);
    case 'stdDev': {
      const mean = sum() / known.length;
      return Math.sqrt(known.reduce((total, value) => total + (value - mean) ** 2, 0) / known.length);
    }
    default: return known.at(-1);
  }
}
