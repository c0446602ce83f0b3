// Which series a tooltip names: those around the pointer, largest first, without sorting all of them at every move.
import type { LineSeries } from './line.tsx';

export interface Near {
  one: LineSeries;
  value: number;
}

export interface Around {
  /** Largest first; equal values in the order of the series. */
  shown: Near[];
  nearest: Near | undefined;
  /** Series that have a value at this point. */
  total: number;
}

/** The `most` series around the value `at`, of all that are drawn and have a value at point `idx`. */
export function around(series: LineSeries[], idx: number, at: number, most: number): Around {
  let nearest: Near | undefined;
  let place = -1;
  let total = 0;
  series.forEach((one, i) => {
    const value = one.hidden ? null : one.values[idx];
    if (value === null || value === undefined) return;
    total += 1;
    const closer = nearest === undefined ? Infinity : Math.abs(value - at) - Math.abs(nearest.value - at);
    if (nearest === undefined || closer < 0 || (closer === 0 && value > nearest.value)) {
      nearest = { one, value };
      place = i;
    }
  });
  if (nearest === undefined) return { shown: [], nearest, total };
  const pivot: number = (nearest as Near).value;
  // Kept in order by insertion: the smallest above the pivot and the largest below it, at most `most` of each.
  const above: Near[] = [];
  const below: Near[] = [];
  let larger = 0;
  series.forEach((one, i) => {
    const value = one.hidden ? null : one.values[idx];
    if (value === null || value === undefined || i === place) return;
    const near = { one, value };
    if (value > pivot || (value === pivot && i < place)) {
      larger += 1;
      // Turned round later: of equal values the later series comes first here.
      insert(above, near, (a, b) => a.value <= b.value, most);
    } else insert(below, near, (a, b) => a.value > b.value, most);
  });
  const start = Math.max(0, Math.min(larger - most / 2, total - most));
  const wantedAbove = Math.min(larger - start, above.length);
  const shown = [...above.slice(0, wantedAbove).reverse(), nearest, ...below];
  return { shown: shown.slice(0, most), nearest, total };
}

/** Puts `item` before the first entry that it precedes; drops what is beyond `most`. */
function insert(list: Near[], item: Near, precedes: (a: Near, b: Near) => boolean, most: number): void {
  if (list.length === most && !precedes(item, list[most - 1]!)) return;
  let i = list.length;
  while (i > 0 && precedes(item, list[i - 1]!)) i -= 1;
  list.splice(i, 0, item);
  if (list.length > most) list.pop();
}
