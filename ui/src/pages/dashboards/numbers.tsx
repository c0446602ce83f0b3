// Panels of single numbers: stat, gauge and bar gauge.
import { dark } from '../../app/settings.ts';
import { reduce } from '../../chart/frame.ts';
import { namedColor } from '../../chart/palette.ts';
import { at, displayName, fieldOptions, list, mapped, number, text, thresholdColor, thresholdsOf, type Json } from '../../grafana/field.ts';
import type { Panel } from '../../grafana/model.ts';
import type { PanelSeries } from '../../grafana/run.ts';
import { formatParts, formatValue } from '../../format/units.ts';
import { Spark } from '../../parts/spark.tsx';
import type { RendererProps } from './panel.tsx';

interface Figure {
  key: string;
  name: string;
  value: number | undefined;
  text: string;
  suffix: string;
  color: string | undefined;
  options: Json;
  values: (number | null)[];
}

function figureOf(panel: Panel, series: PanelSeries, index: number): Figure {
  const options = fieldOptions(panel, { name: series.name, refId: series.refId, type: 'number' });
  const calc = text(list(at(panel.options, 'reduceOptions', 'calcs'))[0], 'lastNotNull');
  const value = reduce(series.values, calc);
  const mapping = mapped(options, value);
  const parts = value === undefined ? { text: text(options['noValue']) || 'No data', suffix: '' } : formatParts(value, text(options['unit']) || 'short', number(options['decimals']));
  const mode = text(at(options, 'color', 'mode'), 'thresholds');
  const color = mapping?.color ?? (mode === 'fixed' ? text(at(options, 'color', 'fixedColor')) : value === undefined ? undefined : thresholdColor(thresholdsOf(options), value));
  return {
    key: `${series.refId} ${index}`, name: displayName(options, series.name), value,
    text: mapping?.text ?? parts.text, suffix: mapping?.text === undefined ? parts.suffix : '',
    color: color === undefined || color === '' ? undefined : namedColor(color, dark.value), options, values: series.values,
  };
}

const figuresOf = ({ panel, data }: RendererProps) => data.series.slice(0, 60).map((series, i) => figureOf(panel, series, i));

export function StatPanel(props: RendererProps) {
  const { panel, width, height } = props;
  const figures = figuresOf(props);
  const colorMode = text(panel.options['colorMode'], 'value');
  const graph = text(panel.options['graphMode'], 'area') !== 'none';
  const textMode = text(panel.options['textMode'], 'auto');
  const named = textMode === 'value_and_name' || textMode === 'name' || (textMode === 'auto' && figures.length > 1);
  const across = text(panel.options['orientation']) === 'horizontal' ? 1 : Math.min(figures.length, Math.max(1, Math.floor(width / 110)));
  const down = Math.ceil(figures.length / across);
  const size = Math.max(14, Math.min(34, (height / down) * (graph ? 0.38 : 0.5), (width / across - 16) / 5));
  return (
    <div class="stats" style={{ height: `${height}px`, gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }}>
      {figures.map((one) => (
        <div key={one.key} class={`figure ${colorMode.startsWith('background') ? 'filled' : ''}`} style={colorMode.startsWith('background') && one.color ? { borderColor: one.color } : {}}>
          {named ? <div class="dim cut" title={one.name}>{one.name}</div> : null}
          {textMode === 'name' ? null : (
            <div class="big" style={{ fontSize: `${size}px`, ...(colorMode !== 'none' && one.color ? { color: one.color } : {}) }}>
              {one.text}{one.suffix === '' ? null : <span class="unit">{one.suffix === '%' ? '' : '\u00a0'}{one.suffix}</span>}
            </div>
          )}
          {graph && one.values.length > 1 ? <Spark values={one.values.map((value) => value ?? undefined)} label={`${one.name} over the range`} height={Math.max(14, Math.min(48, Math.floor(height / down - size * 1.2 - 18 - (named ? 18 : 0))))} /> : null}
        </div>
      ))}
    </div>
  );
}

/** Limits of a gauge: those of the field, else 0 to 100 (1 for ratios), widened by the value. */
function limits(options: Json, value: number | undefined): [number, number] {
  const low = number(options['min']) ?? 0;
  const high = number(options['max']) ?? Math.max(options['unit'] === 'percentunit' ? 1 : 100, options['unit'] === 'percentunit' || options['unit'] === 'percent' ? 0 : (value ?? 0));
  return high > low ? [low, high] : [low, low + 1];
}

export function GaugePanel(props: RendererProps) {
  const { width, height } = props;
  const figures = figuresOf(props);
  const across = Math.min(figures.length, Math.max(1, Math.floor(width / 120)));
  const size = Math.max(60, Math.min(width / across - 12, (height / Math.ceil(figures.length / across)) * 1.35));
  return (
    <div class="stats" style={{ height: `${height}px`, gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }}>
      {figures.map((one) => {
        const [low, high] = limits(one.options, one.value);
        const share = one.value === undefined ? 0 : Math.min(1, Math.max(0, (one.value - low) / (high - low)));
        const arc = (from: number, to: number, radius: number) => {
          const point = (part: number) => `${(50 - radius * Math.cos(Math.PI * part)).toFixed(2)} ${(52 - radius * Math.sin(Math.PI * part)).toFixed(2)}`;
          return `M${point(from)}A${radius} ${radius} 0 0 1 ${point(to)}`;
        };
        return (
          <figure key={one.key} class="figure gauge">
            <svg viewBox="0 0 100 58" width={size} role="img" aria-label={`${one.name}: ${one.text} ${one.suffix}`}>
              <path d={arc(0, 1, 42)} class="track" />
              {share > 0 ? <path d={arc(0, share, 42)} class="fill" style={{ stroke: one.color ?? 'var(--spark)' }} /> : null}
              {thresholdsOf(one.options).slice(1).map(({ value, color }) => {
                const part = Math.min(1, Math.max(0, (value - low) / (high - low)));
                return <path key={value} d={arc(Math.max(0, part - 0.004), Math.min(1, part + 0.012), 49)} class="tick" style={{ stroke: namedColor(color, dark.value) }} />;
              })}
              <text x="50" y="50" text-anchor="middle" class="gauge-text">{one.text}{one.suffix === '%' ? '%' : one.suffix === '' ? '' : ` ${one.suffix}`}</text>
            </svg>
            {figures.length > 1 ? <figcaption class="dim cut">{one.name}</figcaption> : null}
          </figure>
        );
      })}
    </div>
  );
}

export function BarGaugePanel(props: RendererProps) {
  const { height } = props;
  const figures = figuresOf(props);
  const top = figures.reduce((max, one) => Math.max(max, one.value ?? 0), 0);
  return (
    <div class="bars" style={{ height: `${height}px` }} tabIndex={figures.length * 30 > height ? 0 : undefined}>
      {figures.map((one) => {
        const [low, high] = limits({ ...one.options, max: number(one.options['max']) ?? (text(one.options['unit']).startsWith('percent') ? undefined : top) }, one.value);
        const share = one.value === undefined ? 0 : Math.min(1, Math.max(0, (one.value - low) / (high - low)));
        return (
          <div key={one.key} class="bar-row">
            <span class="cut" title={one.name}>{one.name}</span>
            <span class="bar-track"><span class="bar-fill" style={{ width: `${share * 100}%`, background: one.color ?? 'var(--spark)' }} /></span>
            <b class="num">{one.value === undefined ? one.text : formatValue(one.value, text(one.options['unit']) || 'short', number(one.options['decimals']))}</b>
          </div>
        );
      })}
    </div>
  );
}
