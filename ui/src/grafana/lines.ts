// Series of a time series panel with the look that its options give them.
import type { LineSeries, Shape } from '../chart/line.tsx';
import { namedColor, strokeOf } from '../chart/palette.ts';
import { reduce } from '../chart/frame.ts';
import { displayName, fieldOptions, flag, number, object, text, thresholdColor, thresholdsOf, type Json } from './field.ts';
import type { Panel } from './model.ts';
import type { PanelSeries } from './run.ts';

function shapeOf(custom: Json): Shape {
  const style = text(custom['drawStyle'], 'line');
  if (style === 'bars' || style === 'points') return style;
  const line = text(custom['lineInterpolation'], 'linear');
  return line === 'smooth' || line === 'stepAfter' || line === 'stepBefore' ? line : 'linear';
}

function dashOf(custom: Json, fallback: number[]): number[] {
  const style = object(custom['lineStyle']);
  if (style['fill'] === 'dash') {
    const pattern = (Array.isArray(style['dash']) ? style['dash'] : []).filter((length): length is number => typeof length === 'number');
    return pattern.length > 0 ? pattern : [8, 6];
  }
  return style['fill'] === 'dot' ? [2, 4] : fallback;
}

function colorOf(options: Json, values: readonly (number | null)[], byPalette: string, dark: boolean): string {
  const color = object(options['color']);
  const mode = text(color['mode'], 'palette-classic');
  if ((mode === 'fixed' || mode === 'shades') && typeof color['fixedColor'] === 'string') return namedColor(color['fixedColor'], dark);
  if (mode === 'thresholds') {
    const last = reduce(values, 'lastNotNull');
    const found = last === undefined ? undefined : thresholdColor(thresholdsOf(options), last);
    if (found !== undefined) return namedColor(found, dark);
  }
  return byPalette;
}

/** Looks of all series of a panel; those hidden by an override are left out. */
export function linesOf(panel: Panel, series: PanelSeries[], hidden: ReadonlySet<string>, dark: boolean): LineSeries[] {
  const used = new Map<string, number>();
  return series.flatMap((one, i) => {
    const options = fieldOptions(panel, { name: one.name, refId: one.refId, type: 'number' });
    const custom = object(options['custom']);
    if (flag(object(custom['hideFrom'])['viz'])) return [];
    const stroke = strokeOf(i, dark);
    const stacking = object(custom['stacking']);
    const mode = text(stacking['mode'], 'none');
    const seen = used.get(one.name) ?? 0;
    used.set(one.name, seen + 1);
    const key = `${one.refId} ${one.name} ${seen}`;
    const negative = custom['transform'] === 'negative-Y';
    const points = text(custom['showPoints'], 'auto');
    const spanNulls = custom['spanNulls'];
    return [{
      key,
      name: displayName(options, one.name),
      values: negative ? one.values.map((value) => (value === null ? null : -value)) : one.values,
      color: colorOf(options, one.values, stroke.color, dark),
      // Areas are told apart by colour and order; dashes would only make them ragged.
      dash: dashOf(custom, mode === 'none' ? stroke.dash : []),
      width: number(custom['lineWidth']) ?? 1,
      fill: Math.min(100, number(custom['fillOpacity']) ?? 0),
      shape: shapeOf(custom),
      points: points === 'never' || points === 'always' ? points : 'auto',
      spanNulls: typeof spanNulls === 'number' ? spanNulls : flag(spanNulls),
      right: custom['axisPlacement'] === 'right',
      unit: text(options['unit']) || 'short',
      decimals: number(options['decimals']),
      group: mode === 'none' ? undefined : `${text(stacking['group'], 'A')}${custom['axisPlacement'] === 'right' ? ' right' : ''}`,
      percent: mode === 'percent',
      hidden: hidden.has(key),
    }];
  });
}
