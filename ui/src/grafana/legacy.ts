// Panels of the Angular days in the shape of their successors.
import { at, flag, list, number, object, text, type Json } from './json.ts';

/** `graph` as `timeseries`. */
export function fromGraph(raw: Json): Json {
  const axes = list(raw['yaxes']).map(object);
  const legend = object(raw['legend']);
  const calcs = Object.entries({ avg: 'mean', max: 'max', min: 'min', current: 'lastNotNull', total: 'sum' }).filter(([old]) => flag(legend[old])).map(([, calc]) => calc);
  const overrides = list(raw['seriesOverrides']).map(object).map((one) => {
    const alias = text(one['alias']);
    const regexp = /^\/.*\/$/.test(alias);
    const properties: Json[] = [];
    if (one['yaxis'] === 2) properties.push({ id: 'custom.axisPlacement', value: 'right' }, { id: 'unit', value: text(axes[1]?.['format'], 'short') });
    if (one['transform'] === 'negative-Y') properties.push({ id: 'custom.transform', value: 'negative-Y' });
    if (typeof one['color'] === 'string') properties.push({ id: 'color', value: { mode: 'fixed', fixedColor: one['color'] } });
    if (one['fill'] !== undefined) properties.push({ id: 'custom.fillOpacity', value: (number(one['fill']) ?? 0) * 10 });
    if (one['linewidth'] !== undefined) properties.push({ id: 'custom.lineWidth', value: number(one['linewidth']) ?? 1 });
    if (one['stack'] === false) properties.push({ id: 'custom.stacking', value: { mode: 'none' } });
    if (one['dashes'] === true) properties.push({ id: 'custom.lineStyle', value: { fill: 'dash' } });
    return { matcher: { id: regexp ? 'byRegexp' : 'byName', options: alias }, properties };
  });
  for (const [name, color] of Object.entries(object(raw['aliasColors']))) overrides.push({ matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }] });
  return {
    ...raw,
    type: 'timeseries',
    fieldConfig: {
      defaults: {
        unit: text(axes[0]?.['format'], 'short'),
        min: number(axes[0]?.['min']),
        max: number(axes[0]?.['max']),
        decimals: number(raw['decimals']),
        custom: {
          drawStyle: flag(raw['bars']) && !flag(raw['lines'], true) ? 'bars' : flag(raw['points']) && !flag(raw['lines'], true) ? 'points' : 'line',
          lineInterpolation: flag(raw['steppedLine']) ? 'stepAfter' : 'linear',
          lineWidth: number(raw['linewidth']) ?? 1,
          fillOpacity: (number(raw['fill']) ?? 1) * 10,
          showPoints: flag(raw['points']) ? 'always' : 'never',
          spanNulls: raw['nullPointMode'] === 'connected',
          axisLabel: text(axes[0]?.['label']),
          stacking: { mode: flag(raw['stack']) ? (flag(raw['percentage']) ? 'percent' : 'normal') : 'none', group: 'A' },
        },
      },
      overrides,
    },
    options: { legend: { showLegend: flag(legend['show'], true), displayMode: flag(legend['alignAsTable']) ? 'table' : 'list', placement: flag(legend['rightSide']) ? 'right' : 'bottom', calcs } },
  };
}

/** `singlestat` as `stat`, or as `gauge` when it was drawn as one. */
export function fromSinglestat(raw: Json): Json {
  const calc = ({ avg: 'mean', current: 'lastNotNull', max: 'max', min: 'min', total: 'sum', first: 'firstNotNull', delta: 'delta', diff: 'diff', range: 'range', name: 'lastNotNull' } as Record<string, string>)[text(raw['valueName'])] ?? 'mean';
  const colors = list(raw['colors']).map((color) => text(color));
  const limits = text(raw['thresholds']).split(',').map((limit) => Number(limit)).filter((limit) => Number.isFinite(limit));
  const steps = [{ color: colors[0] ?? 'green', value: null }, ...(text(raw['thresholds']) === '' ? [] : limits.map((value, i) => ({ color: colors[i + 1] ?? 'red', value })))];
  const colored = flag(raw['colorBackground']) ? 'background' : flag(raw['colorValue']) ? 'value' : 'none';
  return {
    ...raw,
    type: flag(at(raw, 'gauge', 'show')) ? 'gauge' : 'stat',
    fieldConfig: {
      defaults: {
        unit: text(raw['format'], 'none'), decimals: number(raw['decimals']), min: number(at(raw, 'gauge', 'minValue')), max: number(at(raw, 'gauge', 'maxValue')),
        thresholds: { mode: 'absolute', steps },
        noValue: text(list(raw['valueMaps']).map(object).find((map) => map['value'] === 'null')?.['text']) || undefined,
      },
      overrides: [],
    },
    options: { colorMode: colored, graphMode: flag(at(raw, 'sparkline', 'show')) ? 'area' : 'none', reduceOptions: { calcs: [calc] } },
  };
}
