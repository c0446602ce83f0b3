// Which rows of a long list can be seen.

/** Part of a list of even rows that can be seen, with some rows more on either side. */
export function windowOf(count: number, rowHeight: number, top: number, height: number, overscan = 6): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + overscan);
  return { first: Math.min(first, count), last: Math.max(last, Math.min(first, count)) };
}
