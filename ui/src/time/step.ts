// Choosing the step of a range query: Grafana's ladder, so that a dashboard reads the same here.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Upper bound of the raw interval and the step that stands for it, as Grafana rounds. */
const ladder: [number, number][] = [
  [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500],
  [1.5 * second, second], [3.5 * second, 2 * second], [7.5 * second, 5 * second], [12.5 * second, 10 * second],
  [17.5 * second, 15 * second], [25 * second, 20 * second], [45 * second, 30 * second], [1.5 * minute, minute],
  [3.5 * minute, 2 * minute], [7.5 * minute, 5 * minute], [12.5 * minute, 10 * minute], [17.5 * minute, 15 * minute],
  [25 * minute, 20 * minute], [45 * minute, 30 * minute], [1.5 * hour, hour], [2.5 * hour, 2 * hour], [4.5 * hour, 3 * hour],
  [9 * hour, 6 * hour], [day, 12 * hour], [7 * day, day], [21 * day, 7 * day], [42 * day, 30 * day],
];

/** Rounds a raw interval to the ladder; both in milliseconds. */
export function roundInterval(ms: number): number {
  for (const [limit, step] of ladder) if (ms < limit) return step;
  return 365 * day;
}

/** Most points a series may have in one answer of the query API. */
export const maxPoints = 11_000;

export interface StepWish {
  /** Length of the range in milliseconds. */
  span: number;
  /** Points that can be told apart, usually the panel's width. */
  points: number;
  /** Smallest step allowed, in milliseconds. */
  min: number;
  /** Factor on the rounded interval (Grafana's `intervalFactor`). */
  factor?: number;
}

/** Interval and step of a range query in milliseconds; `interval` is what `$__interval` says. */
export function chooseStep({ span, points, min, factor = 1 }: StepWish): { interval: number; step: number } {
  const rounded = roundInterval(span / Math.max(1, points));
  const floor = span / maxPoints;
  const safe = floor <= 0 ? 0 : roundUp(floor);
  const interval = Math.max(rounded, min, safe);
  return { interval, step: Math.max(1, Math.round(interval * factor)) };
}

/** Smallest step of the ladder that is not below `ms`. */
function roundUp(ms: number): number {
  for (const [, step] of ladder) if (step >= ms) return step;
  return 365 * day;
}

/** `$__rate_interval`: wide enough for two samples at any position of the window. */
export function rateInterval(step: number, scrapeInterval: number): number {
  return Math.max(step + scrapeInterval, 4 * scrapeInterval);
}
