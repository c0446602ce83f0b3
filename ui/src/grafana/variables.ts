// Values of a dashboard's variables: asked for in order, since one may use those before it.
import { call } from '../api/client.ts';
import { queryInstant, seriesName } from '../api/prometheus.ts';
import { natural } from '../format/natural.ts';
import { allKey, forQuery, interpolate, type Bound } from './interpolate.ts';
import type { Variable } from './model.ts';

export interface ResolvedVariable {
  variable: Variable;
  options: string[];
  values: string[];
  /** Why there are no options. */
  error: string | undefined;
}

/** `label_values(up{job="x"}, instance)` and its kin, taken apart. */
export type VariableQuery =
  | { kind: 'label_values'; selector: string | undefined; label: string }
  | { kind: 'label_names' }
  | { kind: 'metrics'; pattern: string }
  | { kind: 'query_result'; expr: string }
  | { kind: 'series'; selector: string };

export function parseVariableQuery(source: string): VariableQuery {
  const query = source.trim();
  const values = /^label_values\(\s*(?:([\s\S]+),\s*)?([a-zA-Z_$][\w$]*|"[^"]+")\s*\)$/.exec(query);
  if (values) return { kind: 'label_values', selector: values[1]?.trim(), label: values[2]!.replace(/"/g, '') };
  if (/^label_names\(.*\)$/.test(query)) return { kind: 'label_names' };
  const metrics = /^metrics\((.*)\)$/.exec(query);
  if (metrics) return { kind: 'metrics', pattern: metrics[1]!.trim() };
  const result = /^query_result\(([\s\S]*)\)$/.exec(query);
  if (result) return { kind: 'query_result', expr: result[1]! };
  return { kind: 'series', selector: query };
}

/** Orders options as Grafana's `sort` says (0 none, 1/2 A-Z, 3/4 numbers, 5/6 without case, 7/8 natural; even is descending). */
export function sortOptions(options: string[], sort: number): string[] {
  if (sort <= 0) return options;
  const numberIn = (text: string) => Number(/\d+(\.\d+)?/.exec(text)?.[0] ?? NaN);
  const compare: (a: string, b: string) => number =
    sort <= 2 ? (a, b) => (a < b ? -1 : a > b ? 1 : 0)
    : sort <= 4 ? (a, b) => (numberIn(a) || 0) - (numberIn(b) || 0)
    : sort <= 6 ? (a, b) => a.toLowerCase().localeCompare(b.toLowerCase(), 'en')
    : natural;
  const sorted = [...options].sort(compare);
  return sort % 2 === 0 ? sorted.reverse() : sorted;
}

/** Keeps what matches `/regex/`; a capture group replaces the value. */
export function filterOptions(options: string[], regex: string): string[] {
  if (regex === '') return [...new Set(options)];
  const parts = /^\/([\s\S]*)\/([a-z]*)$/.exec(regex);
  let pattern: RegExp;
  try {
    pattern = new RegExp(parts ? parts[1]! : regex, (parts?.[2] ?? '').replace('g', ''));
  } catch {
    return [];
  }
  const kept = options.flatMap((option) => {
    const match = pattern.exec(option);
    if (!match) return [];
    return [match.groups?.['value'] ?? match.groups?.['text'] ?? match[1] ?? match[0]];
  });
  return [...new Set(kept)];
}

/** Values that a custom or interval variable lists, with `\,` for a comma and `text : value`. */
export function listedOptions(definition: string): string[] {
  return definition
    .split(/(?<!\\),/)
    .map((part) => part.replace(/\\,/g, ',').trim())
    .filter((part) => part !== '')
    .map((part) => /^(.+)\s:\s(.+)$/.exec(part)?.[2]?.trim() ?? part);
}

/** The choice among the options: from the address, else the saved one, else the first (or All). */
export function choose(variable: Variable, options: string[], wanted: string[]): string[] {
  const asked = wanted.map((one) => (one === 'All' || one === allKey ? allKey : one)).filter((one) => one !== '');
  if (asked.length > 0) {
    if (asked.includes(allKey) && variable.includeAll) return [allKey];
    const real = asked.filter((one) => one !== allKey);
    // A value of the address stays even when no series has it, so that a link says what it asked for.
    if (real.length > 0) return variable.multi ? real : real.slice(0, 1);
  }
  const saved = variable.saved.filter((one) => (one === allKey ? variable.includeAll : options.includes(one)));
  if (saved.length > 0) return saved.includes(allKey) ? [allKey] : variable.multi ? saved : saved.slice(0, 1);
  if (variable.includeAll) return [allKey];
  return options.slice(0, 1);
}

async function ask(query: VariableQuery, start: number, end: number, signal: AbortSignal): Promise<string[]> {
  const window = { start: (start / 1000).toFixed(3), end: (end / 1000).toFixed(3) };
  switch (query.kind) {
    case 'label_values': {
      const { data } = await call<string[]>(`v1/label/${encodeURIComponent(query.label)}/values`, { ...window, 'match[]': query.selector }, signal);
      return data;
    }
    case 'label_names': return (await call<string[]>('v1/labels', window, signal)).data;
    case 'metrics': return (await call<string[]>('v1/label/__name__/values', window, signal)).data.filter((name) => new RegExp(query.pattern).test(name));
    case 'query_result': {
      const { data } = await queryInstant(query.expr, end, signal);
      if (data.resultType === 'vector') return data.result.map((item) => `${seriesName(item.metric)} ${item.value?.[1] ?? ''} ${(item.value?.[0] ?? 0) * 1000}`);
      return data.resultType === 'scalar' ? [data.result[1]] : [];
    }
    case 'series': return (await call<Record<string, string>[]>('v1/series', { ...window, 'match[]': query.selector }, signal)).data.map(seriesName);
  }
}

/** What a variable is to `interpolate`. */
export function bind({ variable, options, values }: ResolvedVariable): Bound {
  return { name: variable.name, values, options, multiple: variable.multi || variable.includeAll, allValue: variable.allValue };
}

/** Resolves all variables in order. `wanted` are the address's `var-NAME` values; `macros` the built-in ones. */
export async function resolveVariables(
  variables: Variable[], wanted: (name: string) => string[], macros: Map<string, Bound>, start: number, end: number, signal: AbortSignal,
): Promise<ResolvedVariable[]> {
  const done: ResolvedVariable[] = [];
  const bindings = new Map(macros);
  for (const variable of variables) {
    let options: string[] = [];
    let error: string | undefined;
    if (variable.kind === 'query') {
      try {
        const query = parseVariableQuery(interpolate(variable.definition, bindings, forQuery));
        options = sortOptions(filterOptions(await ask(query, start, end, signal), variable.regex), variable.sort);
        if (options.length === 0) error = `no series in the range answers ${interpolate(variable.definition, bindings, forQuery)}`;
      } catch (failure) {
        if (signal.aborted) throw failure;
        error = failure instanceof Error ? failure.message : String(failure);
      }
    } else if (variable.kind === 'datasource') options = ['tortie'];
    else if (variable.kind === 'constant' || variable.kind === 'textbox') options = [variable.definition];
    else options = listedOptions(variable.definition);
    const asked = wanted(variable.name);
    const values = variable.kind === 'datasource' || variable.kind === 'constant' ? options
      : variable.kind === 'textbox' ? [asked[0] ?? variable.saved[0] ?? variable.definition]
      : choose(variable, options, asked);
    const resolved = { variable, options, values, error };
    done.push(resolved);
    bindings.set(variable.name, bind(resolved));
  }
  return done;
}
