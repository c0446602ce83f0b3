// One dashboard: variables, rows of panels, and what could not be taken over from Grafana's JSON.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { ApiError, apiUrl } from '../../api/client.ts';
import { queryVector } from '../../api/prometheus.ts';
import { useResource } from '../../api/resource.ts';
import { href, path, query, setQuery } from '../../app/router.ts';
import { pageTitle } from '../../app/top-bar.tsx';
import { bind, resolveVariables, type ResolvedVariable } from '../../grafana/variables.ts';
import { forText, interpolate, type Bindings } from '../../grafana/interpolate.ts';
import { macros } from '../../grafana/macros.ts';
import type { Dashboard, Panel, Row } from '../../grafana/model.ts';
import { readDashboard } from '../../grafana/read.ts';
import { Icon } from '../../parts/icons.tsx';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { fallbackRange, fallbackRefresh, now, range, span } from '../../time/clock.ts';
import { parseDuration } from '../../time/duration.ts';
import { roundInterval } from '../../time/step.ts';
import { gap, pixels, place, unit } from './layout.ts';
import { PanelView } from './panel.tsx';
import { loadDashboard } from './store.ts';
import { VariablesBar } from './variables-bar.tsx';
import './dashboards.css';

/** What a query is taken to be scraped at when the server cannot tell. */
const usualInterval = 15_000;

/** How often the job's targets are scraped, measured: the median over five minutes. */
async function measureInterval(bindings: Bindings, at: number, signal: AbortSignal): Promise<number> {
  const job = bindings.get('job');
  const names = (job?.values ?? []).filter((value) => !value.startsWith('$'));
  const matcher = names.length === 0 ? '' : `{job=~${JSON.stringify(names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'))}}`;
  const found = await queryVector(`quantile(0.5, count_over_time(up${matcher}[5m]))`, at, signal).catch(() => []);
  const samples = found[0]?.value;
  return samples === undefined || !(samples >= 1) ? usualInterval : Math.max(1000, roundInterval(300_000 / samples));
}

function PanelGrid({ row, bindings, choice, scrapeInterval }: { row: Row; bindings: Bindings; choice: string; scrapeInterval: number }) {
  const placed = useMemo(() => place(row, bindings), [row, bindings]);
  return (
    <div class="grid" style={{ gridAutoRows: `${unit}px`, gap: `${gap}px` }}>
      {placed.map((one) => (
        <div key={one.key} class={`cell ${one.w <= 6 && one.h <= 4 ? 'small' : ''}`} style={{ gridColumn: `${one.x + 1} / span ${one.w}`, gridRow: `${one.y + 1} / span ${one.h}` }}>
          <PanelView panel={one.panel} bindings={one.bindings} choice={`${choice} ${one.key}`} scrapeInterval={scrapeInterval} height={pixels(one.h)} full={false} />
        </div>
      ))}
    </div>
  );
}

function RowView({ row, bindings, choice, scrapeInterval }: { row: Row; bindings: Bindings; choice: string; scrapeInterval: number }) {
  const changed = (query.value.get('rows') ?? '').split('\n').includes(row.title);
  const open = row.title === '' || row.collapsed === changed;
  const title = interpolate(row.title, bindings, forText);
  const toggle = () => {
    const set = new Set((query.value.get('rows') ?? '').split('\n').filter((one) => one !== ''));
    if (!set.delete(row.title)) set.add(row.title);
    setQuery({ rows: [...set].join('\n') }, true);
  };
  return (
    <section aria-label={title || 'Panels'}>
      {row.title === '' ? null : (
        <h2 class="row-title">
          <button type="button" class="plain" aria-expanded={open} onClick={toggle}>
            <span class={`turn ${open ? 'open' : ''}`}><Icon name="right" /></span> {title}
            {open ? null : <span class="dim">{row.panels.length} panels</span>}
          </button>
        </h2>
      )}
      {open ? <PanelGrid row={row} bindings={bindings} choice={choice} scrapeInterval={scrapeInterval} /> : null}
    </section>
  );
}

function Notes({ dashboard }: { dashboard: Dashboard }) {
  if (dashboard.notes.length === 0) return null;
  const unsupported = dashboard.notes.filter((note) => note.severity === 'unsupported').length;
  return (
    <details class="import-notes">
      <summary>Import: {unsupported > 0 ? `${unsupported} not supported` : 'everything is drawn'}{dashboard.notes.length > unsupported ? `, ${dashboard.notes.length - unsupported} approximated` : ''}</summary>
      <ul>{dashboard.notes.map((note, i) => <li key={i}><b>{note.about}</b>: {note.text}</li>)}</ul>
    </details>
  );
}

function findPanel(dashboard: Dashboard, id: string): Panel | undefined {
  for (const row of dashboard.rows) for (const panel of row.panels) if (String(panel.id) === id) return panel;
  return undefined;
}

function View({ dashboard }: { dashboard: Dashboard }) {
  const params = query.value;
  const choice = [...params.entries()].filter(([key]) => key.startsWith('var-')).map((pair) => pair.join('=')).join('&');
  const { start, end } = span.value;
  // Asked again when the range or a choice changes, and every five minutes; not with every refresh.
  const key = `${choice} ${range.value.from} ${range.value.to} ${Math.floor(now.value / 300_000)}`;
  const variables = useResource(dashboard.uid, key, async (signal) => {
    const builtIn = macros({ interval: roundInterval((end - start) / 500), scrapeInterval: usualInterval, start, end });
    const resolved = await resolveVariables(dashboard.variables, (name) => query.value.getAll(`var-${name}`), builtIn, start, end, signal);
    const bindings: Bindings = new Map([...builtIn, ...resolved.map((one): [string, ReturnType<typeof bind>] => [one.variable.name, bind(one)])]);
    return { resolved, bindings, scrapeInterval: await measureInterval(bindings, end, signal) };
  });
  const [height, setHeight] = useState(window.innerHeight);
  useEffect(() => {
    const onResize = () => setHeight(window.innerHeight);
    window.addEventListener('resize', onResize);
    return () => window.removeEventListener('resize', onResize);
  }, []);
  const data = variables.data;
  const viewed = params.get('viewPanel');
  const single = viewed === null ? undefined : findPanel(dashboard, viewed);
  const broken: ResolvedVariable[] = data?.resolved.filter((one) => one.error !== undefined && !one.values.some((value) => value !== '' && value !== '$__all')) ?? [];
  const bound = data ? choice + data.resolved.map((one) => `${one.variable.name}=${one.values.join()}/${one.options.length}`).join('&') : '';
  return (
    <>
      <div class="toolbar variables">
        {data ? <VariablesBar resolved={data.resolved} /> : <span class="dim">Variables are loading …</span>}
        <span class="grow" />
        <Notes dashboard={dashboard} />
        <a class="button" data-plain href={apiUrl(`tortie/v1/dashboards/${encodeURIComponent(dashboard.uid)}`)}>JSON</a>
      </div>
      {broken.map((one) => <p key={one.variable.name} class="note">Variable <b>{one.variable.label}</b> has no value: {one.error}. Panels that use it stay empty.</p>)}
      {!data ? (
        variables.error ? <Failure error={variables.error} what="The variables could not be resolved" /> : <div class="grid-space" role="status" aria-label="The dashboard is loading" />
      ) : single ? (
        <PanelView panel={single} bindings={data.bindings} choice={bound} scrapeInterval={data.scrapeInterval} height={Math.max(320, height - 150)} full />
      ) : (
        dashboard.rows.map((row, i) => <RowView key={`${i} ${row.title}`} row={row} bindings={data.bindings} choice={bound} scrapeInterval={data.scrapeInterval} />)
      )}
    </>
  );
}

export default function DashboardPage() {
  const uid = decodeURIComponent(path.value.split('/')[2] ?? '');
  const source = useResource(uid, uid, async (signal) => readDashboard(await loadDashboard(uid, signal)));
  const dashboard = source.data;
  useEffect(() => {
    pageTitle.value = dashboard?.title;
    if (dashboard) {
      fallbackRange.value = { from: dashboard.from, to: dashboard.to };
      fallbackRefresh.value = parseDuration(dashboard.refresh) === undefined ? '30s' : dashboard.refresh;
    }
    return () => {
      pageTitle.value = undefined;
      fallbackRange.value = { from: 'now-1h', to: 'now' };
      fallbackRefresh.value = '10s';
    };
  }, [dashboard]);
  if (source.error instanceof ApiError && source.error.status === 404) {
    return (
      <div class="panel">
        <Empty title={`There is no dashboard ${uid}`}>
          <p class="dim">Neither the server nor this browser keeps one with this uid. See <a href={href('/dashboards')}>the list</a>, or import its JSON there.</p>
        </Empty>
      </div>
    );
  }
  if (source.error) return <Failure error={source.error} what="The dashboard could not be read" />;
  return dashboard ? <View key={uid} dashboard={dashboard} /> : <div class="panel"><Skeleton rows={10} label="The dashboard is loading" /></div>;
}
