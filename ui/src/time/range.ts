// The time range of a page: relative (`now-1h` to `now`) or absolute (epoch milliseconds, ISO text).
import { parseDuration } from './duration.ts';

export interface Range {
  /** As written in the address. */
  from: string;
  to: string;
}

export interface Span {
  /** Epoch milliseconds. */
  start: number;
  end: number;
  /** Ends at now, so it moves on refresh. */
  live: boolean;
}

/** Epoch milliseconds of `now`, `now-5m`, `now/d` (start of the UTC day), epoch milliseconds or ISO text. */
export function parseInstant(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  const relative = /^now(?:([+-])([0-9a-z.]+))?(\/d)?$/.exec(trimmed);
  if (relative) {
    const amount = relative[2] ? parseDuration(relative[2]) : 0;
    if (amount === undefined) return undefined;
    const at = relative[1] === '+' ? now + amount : now - amount;
    return relative[3] ? Math.floor(at / 86_400_000) * 86_400_000 : at;
  }
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) {
    const value = Number(trimmed);
    // Grafana writes milliseconds, Prometheus seconds; eleven digits tell them apart until the year 5138.
    return Math.abs(value) < 1e11 ? value * 1000 : value;
  }
  const zoned = /[zZ]|[+-]\d\d:?\d\d$/.test(trimmed) ? trimmed : `${trimmed.replace(' ', 'T')}Z`;
  const parsed = Date.parse(/^\d{4}-\d\d-\d\d$/.test(trimmed) ? `${trimmed}T00:00:00Z` : zoned);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** Resolves a range at `now`; undefined when a side cannot be read or the range is empty. */
export function resolveRange(range: Range, now: number): Span | undefined {
  const start = parseInstant(range.from, now);
  const end = parseInstant(range.to, now);
  if (start === undefined || end === undefined || !(end > start)) return undefined;
  return { start, end, live: range.to.startsWith('now') };
}

export const quickRanges = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d'] as const;

/** How the range is called in the top bar. */
export function describeRange(range: Range, format: (ms: number) => string, now: number): string {
  const relative = /^now-([0-9a-z]+)$/.exec(range.from);
  if (relative && range.to === 'now') return `last ${relative[1]}`;
  const span = resolveRange(range, now);
  return span ? `${format(span.start)} – ${format(span.end)}` : `${range.from} – ${range.to}`;
}

/** The range twice as long around the same middle, never past now. */
export function zoomOut(span: Span, now: number): Range {
  const length = span.end - span.start;
  const end = Math.min(now, span.end + length / 2);
  return { from: String(Math.round(end - 2 * length)), to: String(Math.round(end)) };
}

/** The range moved by half of its length to earlier (-1) or later (1), never past now. */
export function shift(span: Span, direction: -1 | 1, now: number): Range {
  const length = span.end - span.start;
  const end = Math.min(now, span.end + (direction * length) / 2);
  return { from: String(Math.round(end - length)), to: String(Math.round(end)) };
}

/** Reads Prometheus' `g0.range_input` and `g0.end_input` (UTC) into a range. */
export function fromPrometheus(params: URLSearchParams): Range | undefined {
  const length = params.get('g0.range_input');
  if (length === null) return undefined;
  const ms = parseDuration(length);
  if (ms === undefined || ms <= 0) return undefined;
  const endText = params.get('g0.end_input') ?? params.get('g0.moment_input');
  if (endText === null || endText === '') return { from: `now-${length}`, to: 'now' };
  const end = parseInstant(endText, 0);
  return end === undefined ? undefined : { from: String(end - ms), to: String(end) };
}
