// Times as text in the browser's zone or in UTC, always with 24 hours. No `Intl`: making its formats costs a slow machine
// as long as drawing the whole first page.

export type Zone = 'browser' | 'utc';

export interface ZoneFormats {
  /** `14:03:05` */
  clock(ms: number): string;
  /** `14:03` */
  minute(ms: number): string;
  /** `11-26` */
  day(ms: number): string;
  /** `2026-11-26 14:03:05` */
  full(ms: number): string;
  /** Name of the zone, as `UTC` or `UTC+1`. */
  name: string;
}

const two = (value: number) => String(value).padStart(2, '0');

/** Years as ISO 8601 writes them. */
function fourDigits(year: number): string {
  return year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0');
}

/** `UTC+1`, `UTC-3:30` or `UTC` of an offset in minutes east of Greenwich. */
export function zoneName(minutes: number): string {
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${Math.floor(size / 60)}${size % 60 === 0 ? '' : `:${two(size % 60)}`}`;
}

function make(utc: boolean): ZoneFormats {
  const text = (write: (at: Date) => string) => (ms: number) => {
    const at = new Date(ms);
    return Number.isNaN(at.getTime()) ? '–' : write(at);
  };
  const day = utc ? (at: Date) => `${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}` : (at: Date) => `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const minute = utc ? (at: Date) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}` : (at: Date) => `${two(at.getHours())}:${two(at.getMinutes())}`;
  // Every zone of today is a whole number of minutes off UTC, but those of the past were not.
  const clock = utc ? (at: Date) => `${minute(at)}:${two(at.getUTCSeconds())}` : (at: Date) => `${minute(at)}:${two(at.getSeconds())}`;
  const year = utc ? (at: Date) => fourDigits(at.getUTCFullYear()) : (at: Date) => fourDigits(at.getFullYear());
  return {
    clock: text(clock),
    minute: text(minute),
    day: text(day),
    full: text((at) => `${year(at)}-${day(at)} ${clock(at)}`),
    name: zoneName(utc ? 0 : -new Date().getTimezoneOffset()),
  };
}

const cache = new Map<Zone, ZoneFormats>();

/** Formats of a zone, made once. */
export function zoneFormats(zone: Zone): ZoneFormats {
  let found = cache.get(zone);
  if (!found) cache.set(zone, (found = make(zone === 'utc')));
  return found;
}
