// Stacking: the chart draws cumulated columns, the legend and tooltip keep the true ones.

export interface StackInput {
  values: readonly (number | null)[];
  /** Series with the same group are stacked; undefined is not stacked. */
  group: string | undefined;
  percent: boolean;
}

/**
 * Cumulates the columns of each group in order. Positive and negative values pile up apart. A gap stays a gap in its own
 * line and counts as nothing in those above.
 */
export function stack(inputs: StackInput[]): (number | null)[][] {
  const up = new Map<string, number[]>();
  const down = new Map<string, number[]>();
  const totals = new Map<string, number[]>();
  for (const { values, group, percent } of inputs) {
    if (group === undefined || !percent) continue;
    const total = totals.get(group) ?? new Array<number>(values.length).fill(0);
    values.forEach((value, i) => (total[i]! += Math.abs(value ?? 0)));
    totals.set(group, total);
  }
  return inputs.map(({ values, group, percent }) => {
    if (group === undefined) return [...values];
    const length = values.length;
    const high = up.get(group) ?? new Array<number>(length).fill(0);
    const low = down.get(group) ?? new Array<number>(length).fill(0);
    up.set(group, high);
    down.set(group, low);
    const total = percent ? totals.get(group) : undefined;
    return values.map((value, i) => {
      if (value === null) return null;
      const share = total ? (total[i]! === 0 ? 0 : value / total[i]!) : value;
      const pile = value < 0 ? low : high;
      pile[i]! += share;
      return pile[i]!;
    });
  });
}
