// The clock of the page: one "now" that all panels share, refresh, range and zone, all kept in the address.
import { computed, effect, signal } from '@preact/signals';
import { query, setQuery } from '../app/router.ts';
import { parseDuration } from './duration.ts';
import { fromPrometheus, resolveRange, type Range, type Span } from './range.ts';
import { recall, remember } from '../app/settings.ts';
import { zoneFormats, type Zone } from './zone.ts';

/** Moment of the last refresh in epoch milliseconds. */
export const now = signal(Date.now());

/** Range a page opens with when the address names none; a dashboard brings its own. */
export const fallbackRange = signal<Range>({ from: 'now-1h', to: 'now' });
/** Refresh a page opens with when the address names none. */
export const fallbackRefresh = signal('10s');

export const range = computed<Range>(() => {
  const params = query.value;
  const from = params.get('from');
  const to = params.get('to');
  if (from !== null && from !== '') return { from, to: to ?? 'now' };
  return fromPrometheus(params) ?? fallbackRange.value;
});

/** The range at the page's now; falls back to the last hour when the address holds nonsense. */
export const span = computed<Span>(() => resolveRange(range.value, now.value) ?? { start: now.value - 3_600_000, end: now.value, live: true });

/** Whether the address names a range that can be read. */
export const rangeIsValid = computed(() => resolveRange(range.value, now.value) !== undefined);

export const refresh = computed(() => query.value.get('refresh') ?? fallbackRefresh.value);

/** Takes a new now, which makes everything on the page ask again. */
export function refreshNow(): void {
  now.value = Date.now();
}

/** Changes the range as an entry of the history. */
export function setRange(next: Range): void {
  setQuery({
    from: next.from, to: next.to,
    'g0.range_input': undefined, 'g0.end_input': undefined, 'g0.moment_input': undefined,
  });
  refreshNow();
}

/** Zone in which times are shown: the address first, then what this browser keeps. */
export const zone = computed<Zone>(() => {
  const named = query.value.get('timezone') ?? recall('timezone');
  return named === 'utc' ? 'utc' : 'browser';
});

export function toggleZone(): void {
  const next = zone.value === 'utc' ? 'browser' : 'utc';
  remember('timezone', next);
  setQuery({ timezone: next }, true);
}

/** Formats of the chosen zone. */
export const times = computed(() => zoneFormats(zone.value));

/** Refreshes in the chosen pace while the page is seen and the range ends at now. */
export function startClock(): void {
  effect(() => {
    const pace = parseDuration(refresh.value);
    if (pace === undefined || pace < 1000) return undefined;
    const timer = window.setInterval(() => {
      if (document.visibilityState === 'visible' && range.value.to.startsWith('now')) refreshNow();
    }, pace);
    return () => window.clearInterval(timer);
  });
}
