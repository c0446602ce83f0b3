// Grafana's built-in variables for one query: intervals and range.
import { formatDuration } from '../time/duration.ts';
import { rateInterval } from '../time/step.ts';
import { fixed, type Bound } from './interpolate.ts';

export interface MacroInput {
  /** Milliseconds: rounded interval of the query, its step, and how often the series are scraped. */
  interval: number;
  scrapeInterval: number;
  /** Epoch milliseconds. */
  start: number;
  end: number;
}

/** Bindings of `$__interval`, `$__rate_interval`, `$__range` and their kin. */
export function macros({ interval, scrapeInterval, start, end }: MacroInput): Map<string, Bound> {
  const range = end - start;
  const rate = rateInterval(interval, scrapeInterval);
  const seconds = (ms: number) => String(Math.round(ms / 1000));
  const values: Record<string, string> = {
    __interval: formatDuration(interval), __interval_ms: String(Math.round(interval)),
    __rate_interval: formatDuration(rate), __rate_interval_ms: String(Math.round(rate)),
    __range: `${seconds(range)}s`, __range_s: seconds(range), __range_ms: String(Math.round(range)),
    __from: String(Math.round(start)), __to: String(Math.round(end)),
  };
  return new Map(Object.entries(values).map(([name, value]) => [name, fixed(name, value)]));
}
