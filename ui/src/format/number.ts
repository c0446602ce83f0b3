// Plain numbers as text.

const dash = '–';

/** At most `digits` significant digits, no exponent for everyday sizes, no trailing zeros. */
export function significant(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-6) return value.toExponential(Math.max(0, digits - 2));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return trimZeros(value.toFixed(Math.min(12, decimals)));
}

/** `1.50` → `1.5`, `2.00` → `2`. */
export function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Whole numbers with a thin space between thousands, as `12 345`. */
export function grouped(value: number): string {
  if (!Number.isFinite(value)) return dash;
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** A sample as the API wrote it, made readable: all digits, `NaN` and infinities as they are. */
export function exact(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
