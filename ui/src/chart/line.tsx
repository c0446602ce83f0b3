// The time series chart: uPlot with a shared crosshair, zoom by dragging, and a tooltip of text nodes.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { dark } from '../app/settings.ts';
import { formatValue } from '../format/units.ts';
import { setRange, times, zone } from '../time/clock.ts';
import { darkPanel, lightPanel, namedColor } from './palette.ts';
import { stack } from './stack.ts';
import { Tooltip, type TipState } from './tooltip.tsx';
import './chart.css';

export type Shape = 'linear' | 'smooth' | 'stepAfter' | 'stepBefore' | 'bars' | 'points';

export interface LineSeries {
  /** Identifies the series across refreshes. */
  key: string;
  name: string;
  values: (number | null)[];
  color: string;
  dash: number[];
  /** Pixels. */
  width: number;
  /** Opacity of the area under the line, 0 to 100. */
  fill: number;
  shape: Shape;
  points: 'auto' | 'never' | 'always';
  /** Draws lines over gaps; a number bridges gaps up to that many milliseconds. */
  spanNulls: boolean | number;
  right: boolean;
  unit: string;
  decimals: number | undefined;
  group: string | undefined;
  percent: boolean;
  hidden: boolean;
}

export interface Threshold {
  /** From this value on; -Infinity for the base. */
  value: number;
  color: string;
}

export interface ChartProps {
  /** Epoch seconds of the columns. */
  xs: number[];
  series: LineSeries[];
  /** Epoch milliseconds of both ends of the x axis. */
  start: number;
  end: number;
  height: number;
  /** Said to a screen reader. */
  label: string;
  min?: number | undefined;
  max?: number | undefined;
  softMin?: number | undefined;
  softMax?: number | undefined;
  axisLabel?: string | undefined;
  thresholds?: { style: string; steps: Threshold[] } | undefined;
  /** Key of the series that the legend points at. */
  focus?: string | undefined;
}

const axisFont = '11px system-ui, sans-serif';
/** Above this many points lines are one device pixel wide, which the rasteriser draws many times faster. */
const manyPoints = 50_000;
/** Above this many series pointing at one does not fade the others. */
const manySeries = 100;
const sync = uPlot.sync('page');
let zooms = 0;

function withAlpha(color: string, percent: number): string {
  const hex = Math.round((percent / 100) * 255).toString(16).padStart(2, '0');
  return /^#[0-9a-f]{6}$/i.test(color) ? `${color}${hex}` : color;
}

/**
 * Lines that break at gaps by lifting the pen. uPlot's own builder clips the gaps away, and a thousand clipped series take
 * a software rasteriser seconds instead of a tenth of one.
 */
const penLines: uPlot.Series.PathBuilder = (u, index, first, last) => {
  const xs = u.data[0];
  const ys = u.data[index]!;
  const path = new Path2D();
  // Both scales are linear, so a position is one multiplication; uPlot's own conversion costs more than the drawing.
  const { left, top, width, height } = u.bbox;
  const { min: xMin = 0, max: xMax = 1 } = u.scales['x'] ?? {};
  const { min: yMin = 0, max: yMax = 1 } = u.scales[u.series[index]?.scale ?? 'y'] ?? {};
  const xScale = width / (xMax! - xMin!);
  const yScale = height / (yMax! - yMin!);
  const bottom = top + height;
  let down = false;
  for (let i = first; i <= last; i++) {
    const value = ys[i];
    if (value == null) {
      down = false;
      continue;
    }
    const x = left + (xs[i]! - xMin!) * xScale;
    const y = bottom - (value - yMin!) * yScale;
    if (down) path.lineTo(x, y);
    else path.moveTo(x, y);
    down = true;
  }
  return { stroke: path, fill: null, clip: null, band: null, flags: 0 };
};

function pathsOf({ shape, fill, spanNulls }: LineSeries): uPlot.Series.PathBuilder | undefined {
  if (shape === 'linear' && fill === 0 && spanNulls === false) return penLines;
  const { stepped, spline, bars, linear } = uPlot.paths;
  switch (shape) {
    case 'stepAfter': return stepped?.({ align: 1 });
    case 'stepBefore': return stepped?.({ align: -1 });
    case 'smooth': return spline?.();
    case 'bars': return bars?.({ size: [0.7, 40, 1] });
    case 'points': return () => null;
    default: return linear?.();
  }
}

/** Range of a y axis around the data, the soft limits and the hard ones. */
export function axisRange(low: number | null, high: number | null, props: Pick<ChartProps, 'min' | 'max' | 'softMin' | 'softMax'>): [number, number] {
  let bottom = low ?? 0;
  let top = high ?? 1;
  if (props.softMin !== undefined) bottom = Math.min(bottom, props.softMin);
  if (props.softMax !== undefined) top = Math.max(top, props.softMax);
  if (bottom === top) {
    const pad = bottom === 0 ? 1 : Math.abs(bottom) * 0.1;
    if (bottom >= 0 && bottom - pad < 0) bottom = 0;
    else bottom -= bottom === 0 ? 0 : pad;
    top += pad;
  } else {
    const pad = (top - bottom) * 0.08;
    // The axis starts at zero when the data nearly does, and never shows negative room for positive data.
    bottom = bottom >= 0 && bottom < (top - bottom) * 0.5 ? 0 : bottom - pad;
    top = top <= 0 && -top < (top - bottom) * 0.2 ? 0 : top + pad;
  }
  return [props.min ?? bottom, props.max ?? Math.max(top, (props.min ?? bottom) + 1e-12)];
}

const decades = (from: number, to: number, steps: number[]) => Array.from({ length: to - from + 1 }, (_, i) => steps.map((step) => Number(`${step}e${from + i}`))).flat();
const decimalSteps = decades(-12, 20, [1, 2, 2.5, 5]);
const timeSteps = [...decades(-9, 0, [1, 2, 5]).filter((step) => step < 15), 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200, 6_048_000, 12_096_000, 31_536_000, 63_072_000, 157_680_000, 315_360_000];
const binarySteps = Array.from({ length: 70 }, (_, i) => 2 ** (i - 4));
/** Seconds of the units that are written in the unit of time that fits. */
const timeUnits: Record<string, number> = { ns: 1e-9, 'µs': 1e-6, us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400, dtdurations: 1, dtdurationms: 1e-3 };

/** Distances between grid lines that read well in a unit: whole minutes, powers of two, or decimals. */
export function incrementsOf(unit: string): number[] {
  const seconds = timeUnits[unit];
  if (seconds !== undefined) return timeSteps.map((step) => step / seconds);
  return /^(bytes|bits|kbytes|mbytes|gbytes|binBps|binbps)$/.test(unit) ? binarySteps : decimalSteps;
}

function timeAxis(splits: number[], increment: number): string[] {
  const format = times.value;
  let shownDay = '';
  return splits.map((seconds) => {
    const ms = seconds * 1000;
    const day = format.day(ms);
    if (increment >= 86_400) return day;
    const midnight = format.clock(ms) === '00:00:00' && day !== shownDay;
    shownDay = day;
    return midnight ? day : increment >= 60 ? format.minute(ms) : format.clock(ms);
  });
}

export function Chart(props: ChartProps) {
  const { xs, series, start, end, height, label } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  /** What the chart was last given. */
  const given = useRef<unknown[]>([]);
  const latest = useRef(props);
  latest.current = props;
  const [width, setWidth] = useState(0);
  const [tip, setTip] = useState<TipState | undefined>();
  const isDark = dark.value;

  useLayoutEffect(() => {
    const observer = new ResizeObserver((entries) => setWidth(Math.floor(entries[0]!.contentRect.width)));
    // It tells the first width too, after a layout that is due anyway; asking here would force one for every chart of a page.
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const drawn = useMemo(() => stack(series.map(({ values, group, percent, hidden }) => ({ values: hidden ? values.map(() => null) : values, group: hidden ? undefined : group, percent }))), [series]);
  const look = useMemo(
    () => JSON.stringify([series.map(({ values: _values, name: _name, ...rest }) => rest), props.thresholds, props.axisLabel, isDark, zone.value]),
    [series, props.thresholds, props.axisLabel, isDark, zone.value],
  );

  useEffect(() => {
    if (width < 20) return undefined;
    const grid = isDark ? '#232a32' : '#ececea';
    const ink = isDark ? '#929ca7' : '#5b636c';
    const total = series.length * xs.length;
    const thin = total > manyPoints ? 1 / window.devicePixelRatio : undefined;
    const left = series.find((one) => !one.right) ?? series[0];
    const right = series.find((one) => one.right);
    const valueAxis = (scale: string, of: LineSeries | undefined): uPlot.Axis => ({
      scale, stroke: ink, font: axisFont, labelFont: axisFont, labelSize: 16,
      ...(scale === 'y' && props.axisLabel ? { label: props.axisLabel } : {}),
      side: scale === 'y' ? 3 : 1,
      grid: scale === 'y' ? { stroke: grid, width: 1 } : { show: false }, ticks: { show: false }, gap: 4, space: 26,
      incrs: incrementsOf(of?.unit ?? 'short'),
      values: (_u, splits) => splits.map((value) => (of?.percent ? `${Math.round(value * 100)}%` : formatValue(value, of?.unit ?? 'short', undefined))),
      size: (_u, values) => Math.max(34, ...(values ?? []).map((text) => text.length * 6.6 + 10)),
    });
    const bands: uPlot.Band[] = [];
    series.forEach((one, i) => {
      if (one.group === undefined || one.hidden) return;
      for (let j = i - 1; j >= 0; j--) {
        const below = series[j]!;
        if (below.group === one.group && !below.hidden) {
          bands.push({ series: [i + 1, j + 1] });
          break;
        }
      }
    });
    const options: uPlot.Options = {
      width, height,
      legend: { show: false },
      padding: [8, right ? 0 : 18, 0, 0],
      ...(zone.value === 'utc' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'UTC') } : {}),
      focus: { alpha: series.length > manySeries ? 1 : 0.25 },
      cursor: {
        points: { one: true, size: 6 }, focus: { prox: 1e6 }, drag: { x: true, y: false, setScale: false },
        sync: { key: sync.key, setSeries: false },
        bind: {
          dblclick: () => () => {
            if (zooms > 0) {
              zooms -= 1;
              window.history.back();
            }
            return null;
          },
        },
      },
      scales: {
        x: { time: true, range: () => [latest.current.start / 1000, latest.current.end / 1000] },
        y: { range: (_u, low, high) => axisRange(low, high, latest.current) },
        ...(right ? { right: { range: (_u: uPlot, low: number | null, high: number | null) => axisRange(low, high, {}) } } : {}),
      },
      axes: [
        { stroke: ink, font: axisFont, grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 2, size: 22, space: 70, values: (_u, splits, _i, _space, increment) => timeAxis(splits, increment) },
        valueAxis('y', left),
        ...(right ? [valueAxis('right', right)] : []),
      ],
      series: [
        {},
        ...series.map((one): uPlot.Series => {
          const paths = pathsOf(one);
          const lineWidth = thin ?? one.width;
          return {
            label: one.name, scale: one.right ? 'right' : 'y', show: !one.hidden, stroke: one.color, width: one.shape === 'points' ? 0 : lineWidth, dash: thin === undefined ? one.dash : [],
            ...(one.fill > 0 ? { fill: withAlpha(one.color, one.fill), fillTo: () => 0 } : {}),
            ...(paths ? { paths } : {}),
            spanGaps: one.spanNulls !== false,
            points: {
              show: one.shape === 'points' || one.points === 'always' ? true : one.points === 'never' ? false : (u, i) => aloneOrSparse(u, i),
              size: Math.max(4, one.width + 3), fill: one.color, stroke: one.color, width: 0,
              ...(one.points === 'auto' && one.shape !== 'points' ? { filter: lonePoints } : {}),
            },
          };
        }),
      ],
      bands,
      hooks: {
        draw: [(u) => drawThresholds(u, latest.current, isDark)],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x') * 1000;
            const to = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            zooms += 1;
            setRange({ from: String(Math.round(from)), to: String(Math.round(to)) });
          },
        ],
        setCursor: [
          (u) => {
            const { idx, left: x, top: y } = u.cursor;
            if (!u.over.matches(':hover') || idx == null || x === undefined || y === undefined || x < 0) setTip(undefined);
            // From the chart's own numbers: asking the element would force a layout after the crosshair was moved.
            else setTip({ idx, x: x + u.bbox.left / uPlot.pxRatio, y: y + u.bbox.top / uPlot.pxRatio, at: u.posToVal(y, 'y') });
          },
        ],
      },
    };
    const plot = new uPlot(options, [xs, ...drawn] as uPlot.AlignedData, box.current!);
    chart.current = plot;
    given.current = [xs, drawn, start, end, props.min, props.max];
    return () => {
      chart.current = undefined;
      plot.destroy();
    };
    // Data and size of an unchanged look go into the existing chart below.
  }, [look, width > 20, series.length * xs.length > manyPoints]);

  useEffect(() => {
    const plot = chart.current;
    if (plot && width >= 20 && (plot.width !== width || plot.height !== height)) plot.setSize({ width, height });
  }, [width, height]);
  useEffect(() => {
    const next = [xs, drawn, start, end, props.min, props.max];
    // A chart that was just made has its data.
    if (next.every((value, i) => value === given.current[i])) return;
    given.current = next;
    chart.current?.setData([xs, ...drawn] as uPlot.AlignedData);
  }, [xs, drawn, start, end, props.min, props.max]);
  useEffect(() => {
    const plot = chart.current;
    if (!plot) return;
    const index = props.focus === undefined ? -1 : series.findIndex((one) => one.key === props.focus);
    plot.setSeries(index < 0 ? null : index + 1, { focus: true });
  }, [props.focus]);

  return (
    <div class="chart" ref={box} role="img" aria-label={label} style={{ height: `${height}px` }} onMouseLeave={() => setTip(undefined)}>
      {tip ? <Tooltip tip={tip} xs={xs} series={series} width={width} height={height} /> : null}
    </div>
  );
}

/** Points that have a gap on both sides would be invisible as a line. */
const lonePoints: NonNullable<uPlot.Series.Points['filter']> = (u, index, show) => {
  if (!show) return null;
  const data = u.data[index]!;
  const found: number[] = [];
  for (let i = 0; i < data.length; i++) if (data[i] != null && data[i - 1] == null && data[i + 1] == null) found.push(i);
  return found;
};

function aloneOrSparse(u: uPlot, index: number): boolean {
  return (u.data[index]?.length ?? 0) <= 20_000;
}

function drawThresholds(u: uPlot, { thresholds }: ChartProps, isDark: boolean): void {
  if (!thresholds || thresholds.style === 'off') return;
  const { ctx, bbox } = u;
  const [low, high] = [u.scales['y']?.min ?? 0, u.scales['y']?.max ?? 1];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  thresholds.steps.forEach(({ value, color }, i) => {
    const ink = namedColor(color, isDark);
    const next = thresholds.steps[i + 1]?.value ?? Infinity;
    if (thresholds.style.includes('area') && value !== -Infinity && value < high && next > low) {
      const top = u.valToPos(Math.min(next, high), 'y', true);
      const bottom = u.valToPos(Math.max(value, low), 'y', true);
      ctx.fillStyle = withAlpha(ink, 9);
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    if (/line|dashed/.test(thresholds.style) && value > low && value < high) {
      const y = Math.round(u.valToPos(value, 'y', true)) + 0.5;
      ctx.strokeStyle = ink;
      ctx.lineWidth = window.devicePixelRatio;
      ctx.setLineDash(thresholds.style.includes('dashed') ? [6 * window.devicePixelRatio, 4 * window.devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
  });
  ctx.restore();
}

/** Background of charts in the current theme. */
export const chartBackground = () => (dark.value ? darkPanel : lightPanel);
