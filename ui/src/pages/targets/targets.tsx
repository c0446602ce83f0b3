// The Targets page: what is scraped, what fails and why. Ten thousand targets stay quick.
import { useMemo } from 'preact/hooks';
import { apiUrl } from '../../api/client.ts';
import { activeTargets } from '../../api/prometheus.ts';
import { useResource } from '../../api/resource.ts';
import { href, query, setQuery } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { Virtual } from '../../parts/virtual.tsx';
import { now, times } from '../../time/clock.ts';
import { Detail } from './detail.tsx';
import { PoolRow, TargetRow } from './row.tsx';
import { groupTargets, rowsOf, type Health } from './rows.ts';
import { Views } from './views.tsx';
import './targets.css';

const healths: (Health | 'all')[] = ['all', 'down', 'unknown', 'up'];
const rowHeight = 26;

export default function Targets() {
  const answer = useResource('targets', now.value, (signal) => activeTargets(signal));
  const params = query.value;
  const text = params.get('q') ?? '';
  const wanted = params.get('health');
  const health = healths.find((one) => one === wanted) ?? 'all';
  const toggles = params.get('x') ?? '';
  const selectedKey = params.get('target');

  const targets = answer.data?.data;
  const pools = useMemo(() => groupTargets(targets ?? []), [targets]);
  const view = useMemo(() => rowsOf(pools, { text, health, toggled: new Set(toggles === '' ? [] : toggles.split('\n')) }), [pools, text, health, toggles]);
  const selected = useMemo(() => {
    if (selectedKey === null) return undefined;
    for (const pool of pools) for (const entry of pool.entries) if (entry.key === selectedKey) return entry.target;
    return undefined;
  }, [pools, selectedKey]);

  if (answer.error && !answer.data) return <Failure error={answer.error} what="The targets could not be read" />;
  if (!targets) return <div class="panel"><Skeleton rows={14} label="Targets are loading" /></div>;

  const count = (one: Health | 'all') => (one === 'all' ? targets.length : pools.reduce((sum, pool) => sum + pool[one], 0));
  const toggle = (name: string) => {
    const set = new Set(toggles === '' ? [] : toggles.split('\n'));
    if (!set.delete(name)) set.add(name);
    setQuery({ x: [...set].join('\n') }, true);
  };
  const extended = answer.data?.extended === true;
  return (
    <>
      <div class="toolbar">
        {answer.data?.monitors === true ? <Views here="targets" /> : null}
        <div class="pair" role="group" aria-label="Health">
          {healths.map((one) => (
            <button key={one} type="button" aria-pressed={health === one} onClick={() => setQuery({ health: one === 'all' ? undefined : one })}>
              {one === 'all' ? 'All' : one[0]!.toUpperCase() + one.slice(1)} <b data-count={one}>{grouped(count(one))}</b>
            </button>
          ))}
        </div>
        <input
          type="search" data-search class="grow" placeholder="Filter by pool, address, label or error  ( / )" aria-label="Filter targets" value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value }, true)}
        />
        <span class="dim">{grouped(pools.length)} {pools.length === 1 ? 'pool' : 'pools'}{view.matches < targets.length ? `, ${grouped(view.matches)} targets shown` : ''}</span>
      </div>
      {answer.error ? <p class="note">The newest state could not be read; this is the one before.</p> : null}
      <div class={`targets ${selected ? 'with-detail' : ''}`}>
        {targets.length === 0 ? (
          <div class="panel">
            <Empty title="Nothing is scraped">
              <p class="dim">The configuration has no scrape job, or its discovery finds nothing. {answer.data?.monitors === true ? <>See <a href={href('/monitors')}>Monitors</a> for what became of each.</> : <>See the configuration on Status; a job needs <code>static_configs</code>, <code>file_sd_configs</code> or <code>kubernetes_sd_configs</code>.</>}</p>
            </Empty>
          </div>
        ) : view.rows.length === 0 ? (
          <div class="panel">
            <Empty title="No target matches">
              <p class="dim">{health === 'all' ? '' : `None of the targets that are ${health} `}{text === '' ? '' : <>contains “{text}”</>}. <button type="button" class="small" onClick={() => setQuery({ q: undefined, health: undefined })}>Show all {grouped(targets.length)}</button></p>
            </Empty>
          </div>
        ) : (
          <div class={`panel list ${extended ? 'extended' : ''}`} role="table" aria-label="Targets" aria-rowcount={view.rows.length + 1}>
            <div role="row" class="row head">
              <div role="columnheader">Endpoint</div>
              <div role="columnheader" class="strip-cell">{extended ? 'Last scrapes' : ''}<span class="sr">{extended ? '' : 'History, not known by this server'}</span></div>
              <div role="columnheader" class="num">Scraped</div>
              <div role="columnheader" class="num">Took</div>
              {extended ? <div role="columnheader" class="num wide">Samples</div> : null}
              <div role="columnheader" class="says">Error, warning, labels</div>
            </div>
            <Virtual
              count={view.rows.length}
              rowHeight={rowHeight}
              row={(index) => {
                const row = view.rows[index]!;
                return row.kind === 'pool' ? (
                  <PoolRow key={`pool ${row.pool.name}`} pool={row.pool} open={row.open} matches={row.matches} toggle={() => toggle(row.pool.name)} />
                ) : (
                  <TargetRow key={row.entry.key} entry={row.entry} at={now.value} extended={extended} selected={row.entry.key === selectedKey} />
                );
              }}
            />
          </div>
        )}
        {selected ? <Detail target={selected} /> : null}
      </div>
      <footer class="foot">
        <span>At {times.value.full(now.value)}</span>
        <a href={apiUrl('v1/targets', { state: 'active' })}>targets as JSON</a>
      </footer>
    </>
  );
}
