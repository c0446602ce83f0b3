// What the chart says at the crosshair: the time and the largest values.
import { formatValue } from '../format/units.ts';
import { times } from '../time/clock.ts';
import { Swatch } from './legend.tsx';
import type { LineSeries } from './line.tsx';

export interface TipState {
  /** Index of the point on the grid. */
  idx: number;
  /** Position of the pointer within the chart in pixels. */
  x: number;
  y: number;
  /** Value at the pointer on the left axis. */
  at: number;
}

const mostRows = 12;

export function Tooltip({ tip, xs, series, width, height }: { tip: TipState; xs: number[]; series: LineSeries[]; width: number; height: number }) {
  const seconds = xs[tip.idx];
  if (seconds === undefined) return null;
  const rows = series
    .filter((one) => !one.hidden)
    .flatMap((one) => {
      const value = one.values[tip.idx];
      return value === null || value === undefined ? [] : [{ one, value }];
    })
    .sort((a, b) => b.value - a.value);
  let nearest = rows[0];
  for (const row of rows) if (nearest && Math.abs(row.value - tip.at) < Math.abs(nearest.value - tip.at)) nearest = row;
  const place = rows.indexOf(nearest!);
  const first = Math.max(0, Math.min(place - mostRows / 2, rows.length - mostRows));
  const shown = rows.slice(first, first + mostRows);
  const onLeft = tip.x > width * 0.55;
  return (
    <div
      class="tip"
      aria-hidden="true"
      style={{ ...(onLeft ? { right: `${width - tip.x + 14}px` } : { left: `${tip.x + 14}px` }), top: `${Math.max(0, Math.min(tip.y - 20, height - 40 - shown.length * 18))}px` }}
    >
      <div class="when">{times.value.full(seconds * 1000)}</div>
      {rows.length === 0 ? <div class="dim">no value here</div> : null}
      {/* By place: a row that moves keeps its elements, so that pointing changes texts only. */}
      {shown.map(({ one, value }, i) => (
        <div key={i} class={`line ${one === nearest?.one ? 'near' : ''}`}>
          <Swatch color={one.color} dashed={one.dash.length > 0} />
          <span class="cut">{one.name}</span>
          <b>{formatValue(value, one.unit, one.decimals)}</b>
        </div>
      ))}
      {rows.length > shown.length ? <div class="dim">{rows.length - shown.length} more</div> : null}
    </div>
  );
}
