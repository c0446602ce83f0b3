// Times as text in the browser's zone or in UTC, always with 24 hours.

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

function parts(format: Intl.DateTimeFormat, ms: number): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of format.formatToParts(ms)) found[part.type] = part.value;
  return found;
}

function make(timeZone: string | undefined): ZoneFormats {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  const zoneName = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'shortOffset' })
    .formatToParts(Date.now())
    .find((part) => part.type === 'timeZoneName')?.value;
  const text = (ms: number, write: (p: Record<string, string>) => string) => (Number.isFinite(ms) ? write(parts(format, ms)) : '–');
  return {
    clock: (ms) => text(ms, (p) => `${p['hour']}:${p['minute']}:${p['second']}`),
    minute: (ms) => text(ms, (p) => `${p['hour']}:${p['minute']}`),
    day: (ms) => text(ms, (p) => `${p['month']}-${p['day']}`),
    full: (ms) => text(ms, (p) => `${p['year']}-${p['month']}-${p['day']} ${p['hour']}:${p['minute']}:${p['second']}`),
    name: (zoneName ?? 'UTC').replace('GMT', 'UTC'),
  };
}

const cache = new Map<Zone, ZoneFormats>();

/** Formats of a zone, made once. */
export function zoneFormats(zone: Zone): ZoneFormats {
  let found = cache.get(zone);
  if (!found) cache.set(zone, (found = make(zone === 'utc' ? 'UTC' : undefined)));
  return found;
}
