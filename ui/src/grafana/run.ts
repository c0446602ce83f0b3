// Runs the queries of a panel and gives them their names.
import { call, errorText } from '../api/client.ts';
import { queryColumns } from '../api/matrix.ts';
import { parseValue, queryInstant, seriesName, type Labels } from '../api/prometheus.ts';
import { parseDuration } from '../time/duration.ts';
import { alignedGrid, type Grid } from '../time/grid.ts';
import { chooseStep } from '../time/step.ts';
import { forQuery, forText, interpolate, type Bindings } from './interpolate.ts';
import { legendNames } from './legend.ts';
import { macros } from './macros.ts';
import type { Panel, PanelTarget } from './model.ts';

/** One series over time. */
export interface PanelSeries {
  refId: string;
  name: string;
  labels: Labels;
  values: (number | null)[];
}

/** One row of an instant query. */
export interface PanelRow {
  refId: string;
  labels: Labels;
  /** Epoch milliseconds. */
  time: number;
  value: number;
}

export interface PanelData {
  grid: Grid;
  series: PanelSeries[];
  rows: PanelRow[];
  /** Expressions as they were asked, for Explore and for saying why there is nothing. */
  exprs: { refId: string; expr: string; step: number }[];
  errors: string[];
  warnings: string[];
  samples: number;
  took: number;
}

export interface RunContext {
  bindings: Bindings;
  start: number;
  end: number;
  /** Pixels. */
  width: number;
  /** How often the series are scraped, in milliseconds. */
  scrapeInterval: number;
}

/** Interval and step of a target in the panel's width. */
export function stepOf(panel: Pick<Panel, 'interval' | 'maxPoints'>, target: Pick<PanelTarget, 'interval' | 'factor'>, context: RunContext): { interval: number; step: number; scrape: number } {
  const written = interpolate(target.interval || panel.interval, context.bindings, forText).replace(/^[<>]=?/, '');
  const wished = parseDuration(written) ?? 0;
  // A step below the scrape interval only repeats samples, and a rate over it would be empty.
  const min = Math.max(wished, context.scrapeInterval);
  const { interval, step } = chooseStep({ span: context.end - context.start, points: panel.maxPoints ?? context.width, min, factor: target.factor });
  return { interval, step, scrape: min };
}

/** The expression of a target with variables and macros put in. */
export function expressionOf(panel: Panel, target: PanelTarget, context: RunContext): { expr: string; step: number } {
  const { interval, step, scrape } = stepOf(panel, target, context);
  const bindings = new Map([...context.bindings, ...macros({ interval, scrapeInterval: scrape, start: context.start, end: context.end })]);
  return { expr: interpolate(target.expr, bindings, forQuery), step };
}

/** Runs all targets of a panel; a failing one is an error beside the data of the others. */
export async function runPanel(panel: Panel, context: RunContext, signal: AbortSignal): Promise<PanelData> {
  const planned = panel.targets.map((target) => ({ target, ...expressionOf(panel, target, context) }));
  const widest = planned.reduce((max, { step }) => Math.max(max, step), context.scrapeInterval);
  // One grid a panel, so that all of its series share points; the finest that every target allows.
  const grid = alignedGrid(context.start, context.end, widest);
  const data: PanelData = { grid, series: [], rows: [], exprs: planned.map(({ target, expr, step }) => ({ refId: target.refId, expr, step })), errors: [], warnings: [], samples: 0, took: 0 };
  const parts = await Promise.all(
    planned.map(async ({ target, expr }) => {
      try {
        if (target.instant && !target.range) {
          const answer = await queryInstant(expr, context.end, signal);
          return { target, expr, answer, instant: answer.data };
        }
        const answer = await queryColumns({ expr, ...grid }, signal);
        return { target, expr, answer, columns: answer.data };
      } catch (error) {
        if (signal.aborted) throw error;
        return { target, expr, error: errorText(error) };
      }
    }),
  );
  for (const part of parts) {
    if ('error' in part && part.error !== undefined) {
      data.errors.push(planned.length > 1 ? `${part.target.refId}: ${part.error}` : part.error);
      continue;
    }
    if (!part.answer) continue;
    data.took = Math.max(data.took, part.answer.took);
    data.warnings.push(...part.answer.warnings);
    const format = part.target.legend === undefined ? undefined : interpolate(part.target.legend, context.bindings, forText);
    if (part.columns) {
      const { columns } = part;
      const names = legendNames(columns.map((column) => column.labels), format, part.expr);
      columns.forEach((column, i) => {
        data.samples += column.samples;
        data.series.push({ refId: part.target.refId, name: names[i]!, labels: column.labels, values: column.values });
      });
      continue;
    }
    const instant = part.instant!;
    const items = instant.resultType === 'vector' ? instant.result : instant.resultType === 'scalar' ? [{ metric: {}, value: instant.result }] : [];
    const names = legendNames(items.map((item) => item.metric), format, part.expr);
    items.forEach((item, i) => {
      if (!item.value) return;
      const value = parseValue(item.value[1]);
      data.samples += 1;
      data.rows.push({ refId: part.target.refId, labels: item.metric, time: item.value[0] * 1000, value });
      data.series.push({ refId: part.target.refId, name: names[i]!, labels: item.metric, values: [value] });
    });
  }
  return data;
}

interface Node {
  type?: string;
  name?: string;
  matchers?: { name: string; type: string; value: string }[];
  [key: string]: unknown;
}

/** All selectors in an answer of `parse_query`. */
export function selectorsOf(node: unknown): { name: string; selector: string }[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap(selectorsOf);
  const { type, name = '', matchers = [], ...rest } = node as Node;
  if (type === 'vectorSelector' || type === 'matrixSelector') {
    const inner = matchers.filter((matcher) => matcher.name !== '__name__').map((matcher) => `${matcher.name}${matcher.type}${JSON.stringify(matcher.value)}`);
    const named = matchers.find((matcher) => matcher.name === '__name__' && matcher.type === '=')?.value ?? name;
    return [{ name: named, selector: `${named}${inner.length > 0 ? `{${inner.join(',')}}` : ''}` }];
  }
  return Object.values(rest).flatMap(selectorsOf);
}

/** Why an expression has no result in a range, as far as a few cheap questions tell. */
export async function whyEmpty(expr: string, start: number, end: number, signal: AbortSignal): Promise<string> {
  const { data } = await call<unknown>('v1/parse_query', { query: expr }, signal);
  const window = `${Math.max(1, Math.ceil((end - start) / 1000))}s`;
  const count = async (selector: string) => {
    const { data: answer } = await queryInstant(`count(last_over_time(${selector}[${window}]))`, end, signal);
    return answer.resultType === 'vector' && answer.result[0]?.value ? parseValue(answer.result[0].value[1]) : 0;
  };
  const seen = new Map(selectorsOf(data).map((one) => [one.selector, one]));
  for (const { name, selector } of seen.values()) {
    if (name === '') continue;
    if ((await count(selector)) > 0) continue;
    const all = selector === name ? 0 : await count(name);
    if (all === 0) return `No target exposes ${name} in this range`;
    return `${name} has ${all} series in this range, but none matches ${selector.slice(name.length)}`;
  }
  return seen.size === 0 ? 'The expression reads no series' : 'Its series are there, but the expression leaves nothing of them: a comparison, a match between both sides, or a window with fewer than two samples';
}

export { seriesName };
export type { Labels };
