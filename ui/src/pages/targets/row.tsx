// One row of the target list.
import type { Target } from '../../api/prometheus.ts';
import { href, query } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { formatValue } from '../../format/units.ts';
import { Icon } from '../../parts/icons.tsx';
import { Mark, type State } from '../../parts/mark.tsx';
import { roughSpan } from '../../time/duration.ts';
import { endpointOf, type Entry, type Pool } from './rows.ts';

export function stateOf(target: Target): State {
  if (target.health === 'down') return 'bad';
  if (target.health === 'unknown') return 'unknown';
  return target.lastWarning ? 'warn' : 'ok';
}

/** Bars of the scrapes that were up, or of those that were not, as one path: a long list has many of them. */
function bars(shown: boolean[], wanted: boolean): string {
  return shown.map((up, i) => (up === wanted ? `M${(20 - shown.length + i) * 4} ${up ? 1 : 7}h3v${up ? 12 : 6}h-3z` : '')).join('');
}

/** The last scrapes as bars, newest at the right: high is up, low is down. */
export function History({ history }: { history: boolean[] }) {
  const shown = history.slice(-20);
  const failed = shown.filter((up) => !up).length;
  return (
    <svg class="history" width="80" height="14" viewBox="0 0 80 14" role="img" aria-label={failed === 0 ? `last ${shown.length} scrapes fine` : `${failed} of the last ${shown.length} scrapes failed`}>
      <path class="up" d={bars(shown, true)} />
      <path class="down" d={bars(shown, false)} />
    </svg>
  );
}

/** Labels that say most about where a target is; they come first. */
const telling = ['node', 'pod', 'namespace', 'service'];

/** Labels worth a place in the row: those the endpoint and the pool do not say already. */
function labelText(target: Target): string {
  const place = ([name]: [string, string]) => (telling.indexOf(name) + 1 || 99);
  return Object.entries(target.labels)
    .sort((a, b) => place(a) - place(b))
    .filter(([name, value]) => name !== 'job' && !(name === 'instance' && endpointOf(target).startsWith(value)))
    .map(([name, value]) => `${name}=${value}`)
    .join('  ');
}

export function PoolRow({ pool, open, matches, toggle }: { pool: Pool; open: boolean; matches: number; toggle: () => void }) {
  const state: State = pool.down > 0 ? (pool.up > 0 ? 'warn' : 'bad') : pool.warned > 0 ? 'warn' : pool.unknown > 0 ? 'unknown' : 'ok';
  return (
    <div role="row" class="row pool">
      <div role="cell" class="pool-cell">
        <button type="button" class="plain" data-row onClick={toggle} aria-expanded={open}>
          <span class={`turn ${open ? 'open' : ''}`}><Icon name="right" /></span>
          <Mark state={state} />
          <b class="cut">{pool.name}</b>
        </button>
        <span>{pool.up}/{pool.entries.length} up</span>
        {pool.down > 0 ? <span class="fg-bad">{pool.down} down</span> : null}
        {pool.warned > 0 ? <span class="warn">{pool.warned} with a warning</span> : null}
        <span class="dim">every {pool.interval}</span>
        <span class="dim wide">slowest {formatValue(pool.slowest, 's')}</span>
        {pool.samples === undefined ? null : <span class="dim wide">{grouped(pool.samples)} samples</span>}
        {matches < pool.entries.length ? <span class="dim">{matches} shown</span> : null}
      </div>
    </div>
  );
}

export function TargetRow({ entry, at, extended, selected }: { entry: Entry; at: number; extended: boolean; selected: boolean }) {
  const { target } = entry;
  const last = Date.parse(target.lastScrape);
  const labels = labelText(target);
  const params: Record<string, string> = { target: entry.key };
  for (const name of ['q', 'health', 'x']) {
    const value = query.value.get(name);
    if (value) params[name] = value;
  }
  return (
    <div role="row" class={`row target ${selected ? 'selected' : ''}`}>
      <div role="cell" class="endpoint">
        <Mark state={stateOf(target)} word={target.health} />
        <a class="cut mono" data-row href={href('/targets', params)} title={target.scrapeUrl}>{endpointOf(target)}</a>
      </div>
      <div role="cell" class="strip-cell">{target.history ? <History history={target.history} /> : null}</div>
      <div role="cell" class="num">{last > 0 ? `${roughSpan(at - last)} ago` : 'not yet'}</div>
      <div role="cell" class="num">{last > 0 ? formatValue(target.lastScrapeDuration, 's') : '–'}</div>
      {extended ? <div role="cell" class="num wide">{target.samplesScraped === undefined ? '–' : grouped(target.samplesScraped)}</div> : null}
      <div role="cell" class="says">
        {target.lastError ? <span class="fg-bad cut" title={target.lastError}>{target.lastError}</span> : null}
        {!target.lastError && target.lastWarning ? <span class="warn cut" title={target.lastWarning}>{target.lastWarning}</span> : null}
        <span class="dim cut mono tags" title={labels}>{labels}</span>
      </div>
    </div>
  );
}
