// Options of a single series or column: the panel's defaults and the overrides that match it.
import { at, flag, list, number, object, text, type Json } from './json.ts';
import type { Override, Panel } from './model.ts';

export interface FieldIdentity {
  name: string;
  refId: string;
  /** `number`, `string` or `time`. */
  type: string;
}

function matches(matcher: Override['matcher'], field: FieldIdentity): boolean {
  const wanted = text(matcher.options);
  switch (matcher.id) {
    case 'byName': return field.name === wanted;
    case 'byRegexp': {
      const parts = /^\/(.*)\/([a-z]*)$/.exec(wanted);
      try {
        return new RegExp(parts ? parts[1]! : wanted, parts?.[2] ?? '').test(field.name);
      } catch {
        return false;
      }
    }
    case 'byFrameRefID': return field.refId === wanted;
    case 'byNames': return list(at(matcher.options, 'names')).map((name) => text(name)).includes(field.name) !== (at(matcher.options, 'mode') === 'exclude');
    case 'byType': return field.type === wanted;
    default: return false;
  }
}

/** Sets a property such as `custom.fillOpacity` in a tree. */
function put(tree: Json, path: string, value: unknown): void {
  const keys = path.split('.');
  let inner = tree;
  for (const key of keys.slice(0, -1)) {
    const next = { ...object(inner[key]) };
    inner[key] = next;
    inner = next;
  }
  inner[keys.at(-1)!] = value;
}

/** Options of one field as Grafana would apply them. */
export function fieldOptions(panel: Pick<Panel, 'defaults' | 'overrides'>, field: FieldIdentity): Json {
  const options: Json = { ...panel.defaults, custom: { ...object(panel.defaults['custom']) } };
  for (const { matcher, properties } of panel.overrides) {
    if (!matches(matcher, field)) continue;
    for (const { id, value } of properties) put(options, id, value);
  }
  return options;
}

export interface Step {
  value: number;
  color: string;
}

/** Threshold steps with the base at minus infinity; steps in percent are turned into values of min to max. */
export function thresholdsOf(options: Json): Step[] {
  const thresholds = object(options['thresholds']);
  const percent = thresholds['mode'] === 'percentage';
  const min = number(options['min']) ?? 0;
  const max = number(options['max']) ?? (options['unit'] === 'percentunit' ? 1 : 100);
  return list(thresholds['steps']).map(object).map((step, i) => {
    const value = number(step['value']);
    return { value: i === 0 || value === undefined ? -Infinity : percent ? min + ((max - min) * value) / 100 : value, color: text(step['color'], 'green') };
  });
}

/** Colour of a value by the thresholds. */
export function thresholdColor(steps: Step[], value: number): string | undefined {
  let found: string | undefined;
  for (const step of steps) if (value >= step.value) found = step.color;
  return found;
}

/** Text and colour that a value mapping gives to a value. */
export function mapped(options: Json, value: number | undefined, raw?: string): { text?: string; color?: string } | undefined {
  for (const mapping of list(options['mappings']).map(object)) {
    const inner = object(mapping['options']);
    let result: Json | undefined;
    if (mapping['type'] === 'value') {
      const key = raw ?? (value === undefined ? '' : String(value));
      result = Object.hasOwn(inner, key) ? object(inner[key]) : undefined;
    } else if (mapping['type'] === 'range' && value !== undefined) {
      if (value >= (number(inner['from']) ?? -Infinity) && value <= (number(inner['to']) ?? Infinity)) result = object(inner['result']);
    } else if (mapping['type'] === 'special') {
      const kind = text(inner['match']);
      const isNull = value === undefined;
      const isNan = value !== undefined && Number.isNaN(value);
      if ((kind === 'null' && isNull) || (kind === 'nan' && isNan) || (kind === 'null+nan' && (isNull || isNan)) || (kind === 'empty' && raw === '')) result = object(inner['result']);
    }
    if (result) {
      const found: { text?: string; color?: string } = {};
      if (typeof result['text'] === 'string') found.text = result['text'];
      if (typeof result['color'] === 'string') found.color = result['color'];
      return found;
    }
  }
  return undefined;
}

/** Name that the options give to the field, or its own. */
export function displayName(options: Json, name: string): string {
  return text(options['displayName']) || name;
}

export { flag, number, object, text, list, at, type Json };
