// The bar at the top: title, range, zone, refresh.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { now, range, rangeIsValid, refresh, refreshNow, setRange, span, times, toggleZone, zone } from '../time/clock.ts';
import { describeRange, parseInstant, quickRanges, resolveRange, shift, zoomOut } from '../time/range.ts';
import type { Page } from './pages.ts';
import { setQuery } from './router.ts';

/** Title of the page when it has one of its own, as a dashboard does. */
export const pageTitle = signal<string | undefined>(undefined);
/** Whether the range panel is open; the keyboard opens it too. */
export const rangeOpen = signal(false);

function RangePanel() {
  const [from, setFrom] = useState(range.value.from);
  const [to, setTo] = useState(range.value.to);
  const panel = useRef<HTMLFormElement>(null);
  useEffect(() => {
    panel.current?.querySelector('button')?.focus();
    const outside = (event: Event) => {
      if (!event.composedPath().includes(panel.current!.parentElement!)) rangeOpen.value = false;
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, []);
  const valid = resolveRange({ from, to }, now.value) !== undefined;
  const show = (text: string) => {
    const at = /^\d+$/.test(text) ? parseInstant(text, now.value) : undefined;
    return at === undefined ? text : new Date(at).toISOString().slice(0, 19) + 'Z';
  };
  return (
    <form
      ref={panel}
      class="pop range-pop"
      aria-label="Time range"
      onKeyDown={(event) => {
        if (event.key === 'Escape') rangeOpen.value = false;
      }}
      onSubmit={(event) => {
        event.preventDefault();
        if (!valid) return;
        setRange({ from: from.trim(), to: to.trim() });
        rangeOpen.value = false;
      }}
    >
      <div class="quick">
        {quickRanges.map((length) => (
          <button
            key={length}
            type="button"
            class="small"
            aria-pressed={range.value.from === `now-${length}` && range.value.to === 'now'}
            onClick={() => {
              setRange({ from: `now-${length}`, to: 'now' });
              rangeOpen.value = false;
            }}
          >
            {length}
          </button>
        ))}
      </div>
      <label>From <input value={show(from)} onInput={(event) => setFrom(event.currentTarget.value)} aria-invalid={!valid} /></label>
      <label>To <input value={show(to)} onInput={(event) => setTo(event.currentTarget.value)} aria-invalid={!valid} /></label>
      <p class={valid ? 'dim' : 'fg-bad'}>{valid ? 'now-2h, 2026-01-31 12:00 (UTC) or epoch milliseconds' : 'The start must be readable and before the end'}</p>
      <button type="submit" class="main" disabled={!valid}>Apply</button>
    </form>
  );
}

function RangePicker() {
  const label = describeRange(range.value, times.value.full, now.value);
  return (
    <>
      <div class="pair">
        <button type="button" class="icon-button wide" title="Earlier" aria-label="Earlier" onClick={() => setRange(shift(span.value, -1, Date.now()))}><Icon name="left" /></button>
        <div class="anchor">
          <button type="button" aria-expanded={rangeOpen.value} aria-haspopup="dialog" title="Time range (t)" onClick={() => (rangeOpen.value = !rangeOpen.value)}>
            <Icon name="clock" /> {rangeIsValid.value ? label : 'unreadable range'} <Icon name="down" />
          </button>
          {rangeOpen.value ? <RangePanel /> : null}
        </div>
        <button type="button" class="icon-button wide" title="Later" aria-label="Later" disabled={span.value.live} onClick={() => setRange(shift(span.value, 1, Date.now()))}><Icon name="right" /></button>
        <button type="button" class="icon-button wide" title="Zoom out (z)" aria-label="Zoom out" onClick={() => setRange(zoomOut(span.value, Date.now()))}><Icon name="out" /></button>
      </div>
    </>
  );
}

const paces = ['off', '5s', '10s', '30s', '1m', '5m'];

export function TopBar({ page }: { page: Page | undefined }) {
  const pace = paces.includes(refresh.value) || refresh.value === '' ? paces : [...paces, refresh.value];
  return (
    <header class="top">
      <h1>{pageTitle.value ?? page?.title ?? 'Not found'}</h1>
      {page?.ranged ? <RangePicker /> : null}
      <button type="button" class="wide" onClick={toggleZone} title={zone.value === 'utc' ? 'Times are in UTC; switch to this browser’s zone' : 'Times are in this browser’s zone; switch to UTC'}>
        {zone.value === 'utc' ? 'UTC' : times.value.name === 'UTC' ? 'Browser (UTC)' : times.value.name}
      </button>
      <div class="pair">
        <button type="button" class="icon-button" onClick={refreshNow} title="Refresh now (r)" aria-label="Refresh now"><Icon name="refresh" /></button>
        <select
          aria-label="Refresh every"
          title="Refresh every"
          value={refresh.value === '' ? 'off' : refresh.value}
          onChange={(event) => setQuery({ refresh: event.currentTarget.value }, true)}
        >
          {pace.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      </div>
    </header>
  );
}
