// What the chart says at the crosshair: the time and the largest values.
import { formatValue } from '../format/units.ts';
import { times } from '../time/clock.ts';
import { Swatch } from './legend.tsx';
import type { LineSeries } from './line.tsx';
import { around } from './nearest.ts';

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
  const { shown, nearest, total } = around(series, tip.idx, tip.at, mostRows);
  const onLeft = tip.x > width * 0.55;
  return (
    <div
      class="tip"
      aria-hidden="true"
      // Moved by a transform: in a layer of its own it is put elsewhere without a layout or a new picture of the chart below.
      style={{ transform: `translate(${onLeft ? `calc(${tip.x - 14}px - 100%)` : `${tip.x + 14}px`}, ${Math.max(0, Math.min(tip.y - 20, height - 40 - shown.length * 18))}px)` }}
    >
      <div class="when">{times.value.full(seconds * 1000)}</div>
      {total === 0 ? <div class="dim">no value here</div> : null}
      {/* By place: a row that moves keeps its elements, so that pointing changes texts only. */}
      {shown.map(({ one, value }, i) => (
        <div key={i} class={`line ${one === nearest?.one ? 'near' : ''}`}>
          <Swatch color={one.color} dashed={one.dash.length > 0} />
          <span class="cut">{one.name}</span>
          <b>{formatValue(value, one.unit, one.decimals)}</b>
        </div>
      ))}
      {total > shown.length ? <div class="dim">{total - shown.length} more</div> : null}
    </div>
  );
}
