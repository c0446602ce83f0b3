// Values with units: Grafana's unit ids, one scaler per family.
import { significant, trimZeros } from './number.ts';

export interface Formatted {
  /** The number. */
  text: string;
  /** The unit as written behind it, without the space. */
  suffix: string;
}

type Scaler = (value: number, decimals: number | undefined) => Formatted;

function fixed(value: number, decimals: number | undefined): string {
  if (decimals !== undefined && Number.isFinite(value)) return value.toFixed(Math.max(0, Math.min(12, decimals)));
  return significant(value, 3);
}

function scaled(base: number, prefixes: string[], unit: string, start = 0): Scaler {
  return (value, decimals) => {
    if (!Number.isFinite(value)) return { text: fixed(value, decimals), suffix: unit };
    let size = Math.abs(value);
    let step = start;
    let shown = value;
    // 999.6 would be written as 1000 with three digits, so it already takes the next prefix.
    while (size >= base * 0.9995 && step < prefixes.length - 1) {
      size /= base;
      shown /= base;
      step += 1;
    }
    return { text: fixed(shown, decimals), suffix: `${prefixes[step]}${unit}` };
  };
}

const siPrefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const iecPrefixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const si = (unit: string, start = 0): Scaler => scaled(1000, siPrefixes, unit, start);
const iec = (unit: string, start = 0): Scaler => scaled(1024, iecPrefixes, unit, start);
/** Short scale with a unit behind: `1.2 K ops/s` in Grafana, `1.2 kops/s` here would be odd, so the prefix stands alone. */
const short = (unit: string): Scaler => {
  const scale = scaled(1000, ['', 'K', 'Mil', 'Bil', 'Tri'], '');
  return (value, decimals) => {
    const { text, suffix } = scale(value, decimals);
    return { text: suffix === '' ? text : `${text} ${suffix}`, suffix: unit };
  };
};
const suffix = (unit: string): Scaler => (value, decimals) => ({ text: fixed(value, decimals), suffix: unit });

/** Time in seconds times `factor`, written in the unit that fits. */
function time(factor: number): Scaler {
  const steps: [number, string][] = [
    [1e-9, 'ns'], [1e-6, 'µs'], [1e-3, 'ms'], [1, 's'], [60, 'min'], [3600, 'hour'], [86_400, 'day'], [604_800, 'week'], [31_536_000, 'year'],
  ];
  return (value, decimals) => {
    const seconds = value * factor;
    if (!Number.isFinite(seconds)) return { text: fixed(seconds, decimals), suffix: 's' };
    const size = Math.abs(seconds);
    if (size === 0) return { text: '0', suffix: 's' };
    let chosen = steps[0]!;
    for (const step of steps) if (size >= step[0] * 0.9995) chosen = step;
    const shown = seconds / chosen[0];
    const plural = chosen[0] >= 3600 && Math.abs(shown) !== 1 ? 's' : '';
    return { text: fixed(shown, decimals), suffix: chosen[1] + plural };
  };
}

function clockDuration(factor: number): Scaler {
  return (value) => {
    const total = Math.round(Math.abs(value * factor));
    const two = (n: number) => String(n).padStart(2, '0');
    const days = Math.floor(total / 86_400);
    const text = `${two(Math.floor((total % 86_400) / 3600))}:${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
    return { text: (value < 0 ? '-' : '') + (days > 0 ? `${days} d ${text}` : text), suffix: '' };
  };
}

function choice(no: string, yes: string): Scaler {
  return (value) => ({ text: value === 0 ? no : yes, suffix: '' });
}

const families: Record<string, Scaler> = {
  none: (value, decimals) => ({ text: decimals === undefined ? significant(value, 6) : fixed(value, decimals), suffix: '' }),
  short: short(''),
  sishort: si(''),
  string: (value) => ({ text: String(value), suffix: '' }),
  percent: suffix('%'),
  percentunit: (value, decimals) => ({ text: fixed(value * 100, decimals), suffix: '%' }),
  humidity: suffix('%H'),
  bytes: iec('B'), decbytes: si('B'), bits: iec('b'), decbits: si('b'),
  kbytes: iec('B', 1), deckbytes: si('B', 1), mbytes: iec('B', 2), decmbytes: si('B', 2), gbytes: iec('B', 3), decgbytes: si('B', 3),
  binBps: iec('B/s'), Bps: si('B/s'), binbps: iec('b/s'), bps: si('b/s'), KBs: si('B/s', 1), MBs: si('B/s', 2), GBs: si('B/s', 3), Kbits: si('b/s', 1), Mbits: si('b/s', 2), Gbits: si('b/s', 3),
  KiBs: iec('B/s', 1), MiBs: iec('B/s', 2), GiBs: iec('B/s', 3), pps: si('p/s'),
  ns: time(1e-9), 'µs': time(1e-6), us: time(1e-6), ms: time(1e-3), s: time(1), m: time(60), h: time(3600), d: time(86_400),
  dtdurations: time(1), dtdurationms: time(1e-3), dthms: clockDuration(1), timeticks: time(0.01), clocks: clockDuration(1), clockms: clockDuration(0.001),
  ops: short('ops/s'), opm: short('ops/min'), reqps: short('req/s'), rps: short('reads/s'), wps: short('writes/s'), iops: short('io/s'), eps: short('events/s'), cps: short('c/s'),
  mps: short('msg/s'), recps: short('rec/s'), rowsps: short('rows/s'), reqpm: short('req/min'), rpm: short('reads/min'), wpm: short('writes/min'), cpm: short('c/min'), mpm: short('msg/min'), rds: short('rd/s'),
  hertz: si('Hz'), rothz: si('Hz'), rotrpm: suffix('rpm'), celsius: suffix('°C'), fahrenheit: suffix('°F'), kelvin: suffix('K'),
  watt: si('W'), kwatt: si('W', 1), volt: si('V'), amp: si('A'), joule: si('J'), lengthm: si('m'), lengthkm: suffix('km'), massg: si('g'), masskg: si('g', 1), litre: si('L'),
  bool: choice('False', 'True'), bool_yes_no: choice('No', 'Yes'), bool_on_off: choice('Off', 'On'),
  currencyUSD: (value, decimals) => ({ text: `$${short('')(value, decimals).text}`, suffix: '' }),
  currencyEUR: (value, decimals) => ({ text: `€${short('')(value, decimals).text}`, suffix: '' }),
  sci: (value) => ({ text: value.toExponential(2), suffix: '' }),
  hex: (value) => ({ text: Math.round(value).toString(16), suffix: '' }), hex0x: (value) => ({ text: `0x${Math.round(value).toString(16)}`, suffix: '' }),
};

const dateUnit = /^(dateTime\w*|time:.*)$/;

function date(value: number, unit: string): Formatted {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return { text: '–', suffix: '' };
  if (unit === 'dateTimeFromNow') {
    const behind = Date.now() - value;
    const { text, suffix: unitText } = time(1e-3)(Math.abs(behind), 0);
    return { text: behind < 0 ? `in ${text} ${unitText}` : `${text} ${unitText} ago`, suffix: '' };
  }
  return { text: at.toISOString().slice(0, 19).replace('T', ' '), suffix: '' };
}

/** A value in a unit of Grafana's list; an unknown unit is printed behind the number. */
export function formatParts(value: number, unit = 'short', decimals?: number): Formatted {
  if (Number.isNaN(value)) return { text: 'NaN', suffix: '' };
  const family = Object.hasOwn(families, unit) ? families[unit] : undefined;
  if (family) return tidy(family(value, decimals), decimals);
  if (unit === '') return tidy(families['short']!(value, decimals), decimals);
  if (dateUnit.test(unit)) return date(value, unit);
  const [kind, rest] = [unit.slice(0, unit.indexOf(':')), unit.slice(unit.indexOf(':') + 1)];
  if (kind === 'suffix') return { text: fixed(value, decimals), suffix: rest };
  if (kind === 'prefix') return { text: rest + fixed(value, decimals), suffix: '' };
  if (kind === 'si') return si(rest)(value, decimals);
  if (kind === 'bin') return iec(rest)(value, decimals);
  if (kind === 'count') return short(rest)(value, decimals);
  return { text: fixed(value, decimals), suffix: unit };
}

function tidy(value: Formatted, decimals: number | undefined): Formatted {
  return decimals === undefined ? { ...value, text: value.text.includes(' ') ? value.text : trimZeros(value.text) } : value;
}

/** A value with its unit as one text. */
export function formatValue(value: number, unit?: string, decimals?: number): string {
  const { text, suffix: behind } = formatParts(value, unit, decimals);
  if (behind === '') return text;
  return behind === '%' || behind.startsWith('°') ? `${text}${behind}` : `${text}\u00a0${behind}`;
}
