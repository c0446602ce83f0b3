// Why a condition holds or does not, in words: one line for every operator that decides.
import type { Part } from '../../api/rules.ts';
import { parseValue, seriesName } from '../../api/prometheus.ts';

export interface Reason {
  /** How deep the operator stands in the condition. */
  depth: number;
  state: 'holds' | 'fails';
  /** The part of the expression that it is about. */
  expr: string;
  text: string;
}

const plural = (count: number, one = 'series') => `${count} ${one}`;
const opposite: Record<string, string> = { '>': 'highest', '>=': 'highest', '<': 'lowest', '<=': 'lowest' };

/** Value that came nearest to passing, for a comparison with a number that nothing passes. */
function nearest(op: string, left: Part): string {
  const side = opposite[op];
  const values = (left.series ?? []).flatMap((one) => (one.value === undefined ? [] : [{ value: parseValue(one.value), metric: one.metric }])).filter(({ value }) => !Number.isNaN(value));
  if (side === undefined || values.length === 0 || (left.count ?? 0) > values.length) return '';
  const best = values.reduce((a, b) => (side === 'highest' ? b.value > a.value : b.value < a.value) ? b : a);
  return `; the ${side} is ${best.value} of ${seriesName(best.metric)}`;
}

function comparison(part: Part, left: Part, right: Part): string {
  const passed = part.count ?? 0;
  if (left.count === undefined && right.count === undefined) return `${left.scalar} ${part.op} ${right.scalar} is ${passed > 0 ? 'true' : 'false'}`;
  const [series, other] = left.count === undefined ? [right, left] : [left, right];
  if (series.count === 0) return `there is no series of ${series.expr}`;
  if (other.count === 0) return `there is no series of ${other.expr} to compare with`;
  const whom = other.scalar ?? other.expr;
  const said = left.count === undefined ? `${whom} ${part.op}` : `${part.op} ${whom}`;
  if (passed > 0) return `${passed} of ${plural(series.count ?? 0)} ${passed === 1 ? 'is' : 'are'} ${said}`;
  return `none of ${plural(series.count ?? 0)} is ${said}${other.scalar !== undefined && left.count !== undefined ? nearest(part.op!, left) : ''}`;
}

function set(part: Part, left: Part, right: Part): string {
  const [l, r, both] = [left.count ?? 0, right.count ?? 0, part.count ?? 0];
  if (part.op === 'and') {
    if (l === 0) return 'its left side holds for nothing';
    if (r === 0) return 'its right side holds for nothing';
    return both > 0 ? `${plural(both)} of ${l} ${both === 1 ? 'is' : 'are'} on both sides` : `${l} on the left and ${r} on the right have no labels in common`;
  }
  if (part.op === 'unless') {
    if (l === 0) return 'its left side holds for nothing';
    return both > 0 ? `${plural(both)} of ${l} ${both === 1 ? 'is' : 'are'} not excepted by the right side` : `all ${l} on the left are excepted by the right side`;
  }
  return both > 0 ? `${l} on the left, ${r} on the right` : 'neither side holds';
}

/** One line for each operator, the outermost first. */
export function reasons(part: Part, depth = 0): Reason[] {
  const state = (part.count ?? (part.scalar === undefined ? 0 : 1)) > 0 ? 'holds' : 'fails';
  if (part.op === undefined || part.parts === undefined) {
    // What stands alone decides alone.
    if (depth > 0) return [];
    return [{ depth, state, expr: part.expr, text: state === 'holds' ? `it has ${plural(part.count ?? 1)}` : 'it has no series' }];
  }
  const [left, right] = part.parts;
  const isSet = part.op === 'and' || part.op === 'or' || part.op === 'unless';
  const text = isSet ? set(part, left, right) : comparison(part, left, right);
  const bare = (one: Part): Reason[] => (isSet && one.op === undefined ? [{ depth: depth + 1, state: (one.count ?? 1) > 0 ? 'holds' : 'fails', expr: one.expr, text: (one.count ?? 1) > 0 ? `it has ${plural(one.count ?? 1)}` : 'it has no series' }] : reasons(one, depth + 1));
  return [{ depth, state, expr: part.expr, text }, ...bare(left), ...bare(right)];
}

/** The first comparison with a number: what an alert measures, and its threshold. */
export function measured(part: Part): { expr: string; op: string; threshold: number } | undefined {
  if (part.op === undefined || part.parts === undefined) return undefined;
  const [left, right] = part.parts;
  if (opposite[part.op] !== undefined || part.op === '==' || part.op === '!=') {
    if (right.scalar !== undefined && left.count !== undefined) return { expr: left.expr, op: part.op, threshold: parseValue(right.scalar) };
    return undefined;
  }
  return measured(left) ?? measured(right);
}
