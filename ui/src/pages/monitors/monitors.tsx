// The Monitors page: what became of each ServiceMonitor and its kin, with the reason that no operator tells.
import { useMemo } from 'preact/hooks';
import { apiUrl } from '../../api/client.ts';
import { monitors } from '../../api/monitors.ts';
import { useResource } from '../../api/resource.ts';
import { href, query, setQuery } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { Mark } from '../../parts/mark.tsx';
import { Virtual } from '../../parts/virtual.tsx';
import { now, times } from '../../time/clock.ts';
import { Views } from '../targets/views.tsx';
import { filtered, markOf, rowsOf, type Fate, type Row } from './rows.ts';
import './monitors.css';

const fates: (Fate | 'all')[] = ['all', 'refused', 'unselected', 'empty', 'active'];
const titles: Record<Fate | 'all', string> = { all: 'All', refused: 'Refused', unselected: 'Unselected', empty: 'No target', active: 'Active' };
const rowHeight = 26;

function MonitorRow({ row }: { row: Row }) {
  const state = markOf[row.fate];
  const pool = row.pools[0];
  return (
    <div role="row" class="row target">
      <div role="cell" class="endpoint">
        <Mark state={state} word={titles[row.fate]} />
        {pool !== undefined && row.targets > 0
          ? <a class="cut" data-row href={href('/targets', { q: row.pools.length === 1 ? pool : pool.replace(/\/\d+$/, '') })} title={row.object}>{row.object}</a>
          : <span class="cut" data-row tabIndex={0} title={row.object}>{row.object}</span>}
      </div>
      <div role="cell" class="cut dim">{row.kind}</div>
      <div role="cell" class="num">{row.pools.length > 0 ? grouped(row.targets) : '–'}</div>
      <div role="cell" class="says">
        {row.fate === 'active' ? <span class="dim cut">{row.says}</span> : <span class={`cut ${state === 'bad' ? 'fg-bad' : 'warn'}`} title={row.says}>{row.says}</span>}
      </div>
    </div>
  );
}

export default function MonitorsPage() {
  const answer = useResource('monitors', now.value, (signal) => monitors(signal));
  const params = query.value;
  const text = params.get('q') ?? '';
  const fate = fates.find((one) => one === params.get('state')) ?? 'all';
  const all = useMemo(() => rowsOf(answer.data ?? { objects: [], jobs: [], leftOut: [], unselected: [], unreadable: [] }), [answer.data]);
  const rows = useMemo(() => filtered(all, text, fate), [all, text, fate]);

  if (answer.error && answer.data === undefined) return <Failure error={answer.error} what="The monitors could not be read" />;
  if (answer.data === undefined) return <div class="panel"><Skeleton rows={14} label="Monitors are loading" /></div>;
  if (answer.data === null) {
    return (
      <div class="panel">
        <Empty title="This server reads no monitors">
          <p class="dim">It scrapes what its configuration file names. Started as <code>tortie run --from-crds</code> it follows the ServiceMonitors, PodMonitors, Probes, ScrapeConfigs and PrometheusRules of a cluster, and this page says what became of each.</p>
        </Empty>
      </div>
    );
  }
  const { leftOut } = answer.data;
  const count = (one: Fate | 'all') => (one === 'all' ? all.length : all.filter((row) => row.fate === one).length);
  return (
    <>
      <div class="toolbar">
        <Views here="monitors" />
        <div class="pair fates" role="group" aria-label="What became of it">
          {fates.map((one) => (
            <button key={one} type="button" aria-pressed={fate === one} onClick={() => setQuery({ state: one === 'all' ? undefined : one })}>
              {titles[one]} <b data-count={one}>{grouped(count(one))}</b>
            </button>
          ))}
        </div>
        <input
          type="search" data-search class="grow" placeholder="Filter by kind, namespace, name or reason  ( / )" aria-label="Filter monitors" value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value }, true)}
        />
      </div>
      {answer.error ? <p class="note">The newest state could not be read; this is the one before.</p> : null}
      {all.length === 0 ? (
        <div class="panel">
          <Empty title="The cluster has no monitors">
            <p class="dim">No ServiceMonitor, PodMonitor, Probe or ScrapeConfig exists that this server may read. <code>tortie setup</code> makes those for Calico.</p>
          </Empty>
        </div>
      ) : rows.length === 0 ? (
        <div class="panel"><Empty title="No monitor matches"><p class="dim"><button type="button" class="small" onClick={() => setQuery({ q: undefined, state: undefined })}>Show all {grouped(all.length)}</button></p></Empty></div>
      ) : (
        <div class="panel list monitor-list" role="table" aria-label="Monitors" aria-rowcount={rows.length + 1}>
          <div role="row" class="row head">
            <div role="columnheader">Object</div>
            <div role="columnheader">Kind</div>
            <div role="columnheader" class="num">Targets</div>
            <div role="columnheader" class="says"><span class="cut">Why not, and where candidates fell out</span></div>
          </div>
          <Virtual count={rows.length} rowHeight={rowHeight} row={(index) => <MonitorRow key={`${rows[index]!.kind} ${rows[index]!.object}`} row={rows[index]!} />} />
        </div>
      )}
      {leftOut.length > 0 ? (
        <details class="panel left-out">
          <summary>{grouped(leftOut.length)} {leftOut.length === 1 ? 'thing is' : 'things are'} left out of what the objects say</summary>
          <ul>{leftOut.map(({ name, reason }) => <li key={`${name} ${reason}`}><code>{name}</code> <span class="dim">{reason}</span></li>)}</ul>
        </details>
      ) : null}
      <footer class="foot">
        <span>At {times.value.full(now.value)}</span>
        <a href={apiUrl('tortie/v1/monitors')}>monitors as JSON</a>
      </footer>
    </>
  );
}
