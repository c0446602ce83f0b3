// The even grid of moments that a range query answers on.

export interface Grid {
  /** Epoch milliseconds of the first and last point. */
  start: number;
  end: number;
  /** Milliseconds. */
  step: number;
}

/** Grid of a span whose ends lie on multiples of the step, so that panels and refreshes share points. */
export function alignedGrid(start: number, end: number, step: number): Grid {
  const first = Math.floor(start / step) * step;
  const last = Math.floor(end / step) * step;
  return { start: first, end: Math.max(first, last), step };
}

/** How many points a grid has. */
export function pointsOf({ start, end, step }: Grid): number {
  return Math.floor((end - start) / step + 1e-9) + 1;
}

/** Epoch seconds of the grid's points. */
export function gridTimes(grid: Grid): number[] {
  return Array.from({ length: pointsOf(grid) }, (_, i) => (grid.start + i * grid.step) / 1000);
}
