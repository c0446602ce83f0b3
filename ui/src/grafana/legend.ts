// Names of series by Grafana's legend format.
import { seriesName, type Labels } from '../api/prometheus.ts';

/** Replaces `{{label}}`; a missing label becomes an empty text. */
export function legendTemplate(template: string, labels: Labels): string {
  return template.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => labels[name] ?? '').trim();
}

/** Labels whose value is not the same on every series. */
function distinguishing(all: Labels[]): string[] {
  const names = new Set(all.flatMap((labels) => Object.keys(labels)));
  return [...names].filter((name) => name !== '__name__' && new Set(all.map((labels) => labels[name])).size > 1);
}

/**
 * Names of the series of one query. Without a format or with an empty one: the whole series; `__auto`: the value of the only
 * label that tells them apart, the whole series when there are more, the expression when there is nothing to tell.
 */
export function legendNames(all: Labels[], format: string | undefined, expr: string): string[] {
  if (format === undefined || format === '') return all.map((labels) => fullName(labels, expr));
  if (format !== '__auto') return all.map((labels) => legendTemplate(format, labels));
  const different = distinguishing(all);
  if (different.length === 1) return all.map((labels) => labels[different[0]!] || fullName(labels, expr));
  return all.map((labels) => {
    const { __name__: name, ...rest } = labels;
    return Object.keys(rest).length === 0 ? (name ?? expr) : fullName(rest, expr);
  });
}

function fullName(labels: Labels, expr: string): string {
  return Object.keys(labels).length === 0 ? expr : seriesName(labels);
}
