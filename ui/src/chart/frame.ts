// Numbers of a column.

export type Calc = 'last' | 'lastNotNull' | 'first' | 'firstNotNull' | 'min' | 'max' | 'mean' | 'sum' | 'count' | 'range' | 'delta' | 'diff' | 'stdDev';

/** Reduces a column to one number as Grafana's calculations do; undefined when there is nothing to reduce. */
export function reduce(values: readonly (number | null)[], calc: string): number | undefined {
  if (calc === 'count') return values.length;
  if (calc === 'last') return values.at(-1) ?? undefined;
  if (calc === 'first') return values[0] ?? undefined;
  // The everyday ones in one pass without a copy: a legend of a thousand series asks for four of each.
  if (calc === 'min') return extreme(values, -1);
  if (calc === 'max') return extreme(values, 1);
  if (calc === 'lastNotNull') return lastKnown(values);
  const known = values.filter((value): value is number => value !== null && !Number.isNaN(value));
  if (known.length === 0) return undefined;
  const sum = () => known.reduce((a, b) => a + b, 0);
  switch (calc) {
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

/** The greatest value for `sign` 1, the least for -1. */
function extreme(values: readonly (number | null)[], sign: 1 | -1): number | undefined {
  let best: number | undefined;
  for (const value of values) {
    if (value === null || Number.isNaN(value)) continue;
    if (best === undefined || (value - best) * sign > 0) best = value;
  }
  return best;
}

function lastKnown(values: readonly (number | null)[]): number | undefined {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (value != null && !Number.isNaN(value)) return value;
  }
  return undefined;
}
