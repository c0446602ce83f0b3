// Putting the values of variables into queries, titles and legends, as Grafana does.

/** Name of the choice that stands for every value. */
export const allKey = '$__all';

export interface Bound {
  name: string;
  /** Chosen values; `[$__all]` is All. */
  values: string[];
  /** Every value there is. */
  options: string[];
  /** Can hold several values, so it is written as a regular expression in queries. */
  multiple: boolean;
  /** Written in the place of All, as it is. */
  allValue: string;
}

export type Bindings = ReadonlyMap<string, Bound>;

/** A binding that holds one fixed text, such as a macro. */
export function fixed(name: string, value: string): Bound {
  return { name, values: [value], options: [value], multiple: false, allValue: '' };
}

const reference = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::([^}]+))?\}/g;

const regexEscape = (value: string) => value.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
/** Within a PromQL string a backslash is written twice. */
const inQuotes = (value: string) => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"');

/** Chosen values with All spelled out. */
export function chosen(bound: Bound): string[] {
  return bound.values.includes(allKey) ? bound.options : bound.values;
}

const joined = (values: string[]) => (values.length === 1 ? values[0]! : `(${values.join('|')})`);

type Write = (bound: Bound) => string;

/** How a variable is written in PromQL. */
export const forQuery: Write = (bound) => {
  if (bound.values.includes(allKey) && bound.allValue !== '') return bound.allValue;
  if (!bound.multiple) return inQuotes(bound.values[0] ?? '');
  const values = chosen(bound);
  // No value at all: a pattern that matches nothing but the empty text, as an empty alternation would.
  return values.length === 0 ? '' : joined(values.map((value) => inQuotes(regexEscape(value))));
};

/** How a variable is written for people. */
export const forText: Write = (bound) => (bound.values.includes(allKey) ? 'All' : bound.values.join(' + '));

const formats: Record<string, Write> = {
  raw: (bound) => (bound.values.includes(allKey) && bound.allValue !== '' ? bound.allValue : chosen(bound).join(',')),
  csv: (bound) => chosen(bound).join(','),
  pipe: (bound) => chosen(bound).join('|'),
  regex: (bound) => joined(chosen(bound).map(regexEscape)),
  glob: (bound) => (chosen(bound).length === 1 ? chosen(bound)[0]! : `{${chosen(bound).join(',')}}`),
  json: (bound) => JSON.stringify(chosen(bound)),
  text: forText,
  doublequote: (bound) => chosen(bound).map((value) => `"${value.replace(/"/g, '\\"')}"`).join(','),
  singlequote: (bound) => chosen(bound).map((value) => `'${value.replace(/'/g, "\\'")}'`).join(','),
  percentencode: (bound) => encodeURIComponent(chosen(bound).join(',')),
  queryparam: (bound) => bound.values.map((value) => `var-${bound.name}=${encodeURIComponent(value === allKey ? 'All' : value)}`).join('&'),
};

/** Replaces every known variable; an unknown one stays as it is written. */
export function interpolate(source: string, bindings: Bindings, write: Write): string {
  return source.replace(reference, (whole, plain?: string, square?: string, squareFormat?: string, curly?: string, curlyFormat?: string) => {
    const bound = bindings.get(plain ?? square ?? curly ?? '');
    if (!bound) return whole;
    const format = squareFormat ?? curlyFormat;
    return (format === undefined ? write : (formats[format] ?? write))(bound);
  });
}

/** Names of the variables that a text uses. */
export function usedVariables(source: string): string[] {
  return [...source.matchAll(reference)].map((match) => match[1] ?? match[2] ?? match[4] ?? '');
}
