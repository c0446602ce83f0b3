// Colours of series, chosen by search: 3:1 against the background and apart for every kind of colour vision (palette.test.ts).

export const lightSeries = ['#4b95e5', '#e66700', '#3531a5', '#b5788a', '#ab3511', '#5c2d60', '#5a64be', '#775774'] as const;
export const darkSeries = ['#9caafd', '#f4741e', '#63eadd', '#c9d561', '#b58a9f', '#5978fd', '#af5840', '#7e66a6'] as const;

/** Colours of states; never used for series. */
export const lightState = { ok: '#1a7f37', warn: '#9a6700', bad: '#cf222e', off: '#656d76' } as const;
export const darkState = { ok: '#4fc66b', warn: '#e3b341', bad: '#ff7b72', off: '#8b949e' } as const;

/** Backgrounds that charts are drawn on. */
export const lightPanel = '#ffffff';
export const darkPanel = '#14181d';

export interface Stroke {
  color: string;
  /** Dash pattern in pixels; empty for a full line. */
  dash: number[];
}

const dashes: number[][] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** Look of the n-th series of a chart: colours repeat with other dashes. */
export function strokeOf(index: number, dark: boolean): Stroke {
  const colors = dark ? darkSeries : lightSeries;
  return { color: colors[index % colors.length]!, dash: dashes[Math.floor(index / colors.length) % dashes.length]! };
}

/** Names of Grafana's colour wheel, as near as this palette comes; a hex colour stays itself. */
export function namedColor(name: string, dark: boolean): string {
  if (/^#[0-9a-f]{3,8}$/i.test(name) || name.startsWith('rgb')) return name;
  const state = dark ? darkState : lightState;
  const plain = name.replace(/^(super-light|light|semi-dark|dark)-/, '');
  const known: Record<string, string> = {
    green: state.ok, yellow: dark ? '#e3b341' : '#9a6700', orange: dark ? '#f4741e' : '#c95a00', red: state.bad, blue: dark ? '#5978fd' : '#2f6fd0',
    purple: dark ? '#9d86c6' : '#5c2d60', transparent: 'transparent', text: dark ? '#d5dbe2' : '#1f2328', white: dark ? '#ffffff' : '#57606a', black: dark ? '#8b949e' : '#1f2328',
    gray: state.off,
  };
  return known[plain] ?? (dark ? darkSeries[0] : lightSeries[0]);
}
