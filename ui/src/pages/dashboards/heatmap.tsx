// The heatmap panel: buckets over time as cells whose depth is their share of the largest.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { dark } from '../../app/settings.ts';
import { parseValue } from '../../api/prometheus.ts';
import { at, text } from '../../grafana/field.ts';
import { formatValue } from '../../format/units.ts';
import { times } from '../../time/clock.ts';
import type { RendererProps } from './panel.tsx';
import type { PanelSeries } from '../../grafana/run.ts';

export interface Bucket {
  label: string;
  /** Upper bound; for ordering. */
  bound: number;
  values: number[];
}

/** Buckets in order, with what lower ones already count taken off when the series are cumulative (`le`). */
export function bucketsOf(series: PanelSeries[]): Bucket[] {
  const cumulative = series.every((one) => one.labels['le'] !== undefined);
  const sorted = series
    .map((one) => ({ label: one.labels['le'] ?? one.name, bound: parseValue(one.labels['le'] ?? one.name), values: one.values.map((value) => value ?? 0) }))
    .sort((a, b) => (Number.isNaN(a.bound) || Number.isNaN(b.bound) ? 0 : a.bound - b.bound));
  if (!cumulative) return sorted;
  return sorted.map((bucket, i) => ({ ...bucket, values: bucket.values.map((value, t) => Math.max(0, value - (sorted[i - 1]?.values[t] ?? 0))) }));
}

const left = 64;
const bottom = 20;

export function HeatmapPanel({ panel, data, width, height, title }: RendererProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<{ t: number; b: number } | undefined>();
  const buckets = useMemo(() => bucketsOf(data.series), [data]);
  const isDark = dark.value;
  const unit = text(at(panel.options, 'yAxis', 'unit')) || text(panel.defaults['unit']) || 'short';
  const columns = buckets[0]?.values.length ?? 0;
  const [w, h] = [width - left - 8, height - bottom - 8];
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || columns === 0) return;
    const ratio = window.devicePixelRatio;
    element.width = width * ratio;
    element.height = height * ratio;
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    const most = buckets.reduce((max, bucket) => Math.max(max, ...bucket.values), 0);
    const ink = isDark ? '#9caafd' : '#3531a5';
    const [cw, ch] = [w / columns, h / buckets.length];
    buckets.forEach((bucket, b) => {
      bucket.values.forEach((value, t) => {
        if (value <= 0 || most <= 0) return;
        context.globalAlpha = 0.12 + 0.88 * Math.sqrt(value / most);
        context.fillStyle = ink;
        context.fillRect(left + t * cw, 4 + h - (b + 1) * ch, Math.max(1, cw - 0.5), Math.max(1, ch - 1));
      });
    });
    context.globalAlpha = 1;
    context.fillStyle = isDark ? '#929ca7' : '#5b636c';
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'right';
    const every = Math.max(1, Math.ceil(14 / ch));
    buckets.forEach((bucket, b) => {
      if (b % every === 0) context.fillText(Number.isFinite(bucket.bound) ? formatValue(bucket.bound, unit) : bucket.label, left - 6, 4 + h - b * ch - ch / 2 + 4);
    });
    context.textAlign = 'center';
    const marks = Math.max(2, Math.floor(w / 90));
    for (let i = 0; i < marks; i++) {
      const t = Math.round((i * (columns - 1)) / (marks - 1 || 1));
      context.fillText(times.value.minute(data.grid.start + t * data.grid.step), Math.min(width - 20, left + (t + 0.5) * cw), height - 6);
    }
  }, [buckets, width, height, isDark, times.value]);
  const cell = hover ? buckets[hover.b] : undefined;
  return (
    <div class="heatmap" style={{ height: `${height}px` }}>
      <canvas
        ref={canvas} role="img" aria-label={`${title}: heatmap of ${buckets.length} buckets`} style={{ width: `${width}px`, height: `${height}px` }}
        onMouseMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const t = Math.floor(((event.clientX - box.left - left) / w) * columns);
          const b = Math.floor(((4 + h - (event.clientY - box.top)) / h) * buckets.length);
          setHover(t >= 0 && t < columns && b >= 0 && b < buckets.length ? { t, b } : undefined);
        }}
        onMouseLeave={() => setHover(undefined)}
      />
      {hover && cell ? <div class="tip heat-tip" aria-hidden="true">{times.value.full(data.grid.start + hover.t * data.grid.step)} · up to {Number.isFinite(cell.bound) ? formatValue(cell.bound, unit) : cell.label}: <b>{formatValue(cell.values[hover.t] ?? 0)}</b></div> : null}
    </div>
  );
}
