// Names of series in a legend: what tells them apart, and no more.
import type { Labels } from '../../api/prometheus.ts';
import { seriesName } from '../../api/prometheus.ts';

/** Labels that every series has with the same value. */
export function commonLabels(all: Labels[]): Labels {
  const [first, ...others] = all;
  if (!first || others.length === 0) return {};
  return Object.fromEntries(Object.entries(first).filter(([name, value]) => others.every((labels) => labels[name] === value)));
}

/** Name of a series without the labels that all have in common. */
export function distinctName(labels: Labels, common: Labels): string {
  const rest = Object.fromEntries(Object.entries(labels).filter(([name]) => !(name in common)));
  if (Object.keys(rest).length === 0) return seriesName(labels);
  return seriesName(rest);
}
