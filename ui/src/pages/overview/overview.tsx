// The Overview: is Calico monitored, and is Calico well?
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { apiUrl } from '../../api/client.ts';
import { useResource } from '../../api/resource.ts';
import { seriesName, type Labels } from '../../api/prometheus.ts';
import { href } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { formatValue } from '../../format/units.ts';
import { Mark, type State } from '../../parts/mark.tsx';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { Spark } from '../../parts/spark.tsx';
import { now, range, span, times } from '../../time/clock.ts';
import { roughSpan } from '../../time/duration.ts';
import { Chain, verdict, type Verdict } from './chain.tsx';
import type { Component, Health } from './components.ts';
import { loadChain, loadChanges, loadDoctor, loadFacts, loadHealth, loadNodes, loadServer, type Change, type ComponentState, type HealthValue } from './load.ts';
import './overview.css';

const rateWindow = '5m';

function stateOf(health: Health, value: number | undefined): State {
  if (value === undefined) return 'off';
  if (health.label === 'In sync') return value >= 1 ? 'ok' : value > 0 ? 'warn' : 'bad';
  if (health.bad !== undefined && value >= health.bad) return 'bad';
  if (health.warn !== undefined && value >= health.warn) return 'warn';
  return 'ok';
}

/** Numbers beyond their limits, by component, for the sentence at the top. */
const ailing = signal<Partial<Record<string, Verdict[]>>>({});

function ailments(component: Component, values: HealthValue[]): Verdict[] {
  return values.flatMap(({ health, value }) => {
    const state = stateOf(health, value);
    return value !== undefined && (state === 'warn' || state === 'bad') ? [{ state, text: `${component.name}: ${health.label.toLowerCase()} ${formatValue(value, health.unit)}` }] : [];
  });
}

/** A value as the tile has room for; a share too small to matter is said to be so. */
function shown(value: number, unit: string): string {
  return unit === 'percentunit' && value > 0 && value < 0.0001 ? '< 0.01%' : formatValue(value, unit);
}

function HealthRow({ health, value }: { health: Health; value: HealthValue | undefined }) {
  const judged = health.warn !== undefined || health.label === 'In sync';
  const state = value ? stateOf(health, value.value) : 'off';
  const text = value?.value === undefined ? '–' : shown(value.value, health.unit);
  return (
    <tr title={health.title}>
      <td class="name">
        {judged && value ? <Mark state={state} /> : <span class="mark" aria-hidden="true"> </span>}
        {value ? <a href={href('/graph', { 'g0.expr': value.expr })}>{health.label}</a> : health.label}
      </td>
      {value && value.value === undefined ? (
        <td class="none dim" colSpan={2}><span class="cut" title={health.none}>{health.none}</span></td>
      ) : (
        <>
          <td class={`num value ${state === 'warn' || state === 'bad' ? `state ${state}` : ''}`}>{value ? text : ' '}</td>
          <td class="course">{value ? <Spark values={value.history} label={`${health.label} over the range, now ${text}`} min={health.unit === 'percentunit' ? 0 : undefined} /> : <span class="spark-space" />}</td>
        </>
      )}
    </tr>
  );
}

function ComponentTile({ state }: { state: ComponentState }) {
  const { component, jobs } = state;
  const { start, end } = span.value;
  const key = `${now.value} ${start} ${jobs.join()}`;
  const scope = `${component.id} ${range.value.from} ${range.value.to} ${jobs.join()}`;
  const answers = useResource(scope, key, (signal) =>
    jobs.length === 0 ? Promise.resolve([]) : Promise.all(component.health.map((health) => loadHealth(health, jobs, rateWindow, start, end, signal))),
  );
  useEffect(() => {
    if (answers.data) ailing.value = { ...ailing.value, [component.id]: ailments(component, answers.data) };
  }, [answers.data]);
  return (
    <section class="panel tile" aria-labelledby={`tile-${component.id}`}>
      <header>
        <h2 id={`tile-${component.id}`}><a href={href(`/d/${component.dashboard}`)}>{component.name}</a></h2>
        <span class="dim cut">{jobs.length === 0 ? 'no job' : jobs.join(', ')}</span>
      </header>
      {jobs.length === 0 ? (
        <NoJob component={component} />
      ) : answers.error && !answers.data ? (
        <Failure error={answers.error} what={`The numbers of ${component.name} could not be read`} />
      ) : (
        <table class="health">
          <caption class="sr">Health of {component.name}</caption>
          <colgroup><col class="name-col" /><col /><col class="course-col" /></colgroup>
          <thead class="sr"><tr><th>Number</th><th>Now</th><th>Course</th></tr></thead>
          <tbody>
            {component.health.map((health, i) => <HealthRow key={health.label} health={health} value={answers.data?.[i]} />)}
          </tbody>
        </table>
      )}
    </section>
  );
}

function NoJob({ component }: { component: Component }) {
  return (
    <Empty title="Not scraped">
      <p class="dim">No target carries {component.marker}, and no job is named like {component.name}. Add a scrape job for it to the configuration, then look at <a href={href('/targets')}>Targets</a>.</p>
    </Empty>
  );
}

function Nodes({ jobs }: { jobs: string[] }) {
  const nodes = useResource(`nodes ${jobs.join()}`, now.value, (signal) => (jobs.length === 0 ? Promise.resolve([]) : loadNodes(jobs, now.value, signal)));
  const facts = useResource(`facts ${jobs.join()}`, now.value, (signal) => (jobs.length === 0 ? Promise.resolve(undefined) : loadFacts(jobs, now.value, signal)));
  const number = (value: number | undefined) => (value === undefined ? '–' : grouped(value));
  const list = nodes.data ?? [];
  const shown = list.slice(0, 600);
  const up = list.filter((node) => node.up).length;
  return (
    <section class="panel nodes" aria-labelledby="nodes-title">
      <header>
        <h2 id="nodes-title">Nodes</h2>
        <span class="dim">{nodes.data ? `${up} of ${list.length} answer` : ' '}</span>
      </header>
      <dl class="facts">
        <div><dt>hosts</dt><dd data-fact="hosts">{number(facts.data?.hosts)}</dd></div>
        <div><dt>endpoints</dt><dd>{number(facts.data?.endpoints)}</dd></div>
        <div><dt>policies</dt><dd>{number(facts.data?.policies)}</dd></div>
        <div><dt>tiers</dt><dd>{number(facts.data?.tiers)}</dd></div>
        <div><dt>dataplane</dt><dd>{facts.data ? facts.data.dataplanes.join(', ') || '–' : '–'}</dd></div>
      </dl>
      <ul class="strip">
        {shown.map((node) => {
          const state: State = !node.up ? 'bad' : node.resync === undefined ? 'unknown' : node.resync === 3 ? 'ok' : 'warn';
          const word = !node.up ? 'down' : node.resync === undefined ? 'up, no sync state' : node.resync === 3 ? 'in sync' : node.resync === 2 ? 'resync running' : 'waits for the datastore';
          return (
            <li key={`${node.job} ${node.instance}`}>
              <a class={state} href={href('/d/tortie-felix', { 'var-job': node.job, 'var-instance': node.instance })} title={`${node.name}: ${word}`}>
                <Mark state={state} word={`${node.name}: ${word}`} />
              </a>
            </li>
          );
        })}
      </ul>
      {list.length > shown.length ? <p class="dim inset">{grouped(list.length - shown.length)} more on <a href={href('/targets')}>Targets</a></p> : null}
      {nodes.data && list.length === 0 ? <p class="dim inset">No Felix is scraped, so no node is known.</p> : null}
    </section>
  );
}

const changeWords: Record<Change['kind'], [State, string]> = { restart: ['warn', 'restarted'], down: ['bad', 'went down'], back: ['ok', 'answers again'], since: ['bad', 'has been down since before this range'] };

const shortName = (labels: Labels) => `${labels['job'] ?? ''} ${labels['node'] ?? labels['instance'] ?? ''}`.trim();

function Changes() {
  const { start, end } = span.value;
  const changes = useResource(`changes ${range.value.from} ${range.value.to}`, `${now.value} ${start}`, (signal) => loadChanges(start, end, signal));
  return (
    <section class="panel changes" aria-labelledby="changes-title">
      <header><h2 id="changes-title">What changed</h2><span class="dim">in the range, newest first</span></header>
      {changes.error && !changes.data ? <Failure error={changes.error} what="Changes could not be read" /> : null}
      {!changes.data && !changes.error ? <Skeleton rows={4} label="Changes are loading" /> : null}
      {changes.data?.length === 0 ? <p class="dim inset">Nothing: no process restarted and no target went down in this range.</p> : null}
      <ul>
        {changes.data?.map((change) => {
          const [state, words] = changeWords[change.kind];
          return (
            <li key={`${change.at} ${change.kind} ${seriesName(change.labels)}`} title={seriesName(change.labels)}>
              <time dateTime={new Date(change.at).toISOString()} title={times.value.full(change.at)}>{end - start > 86_400_000 ? `${times.value.day(change.at)} ` : ''}{times.value.clock(change.at)}</time>
              <Mark state={state} word="" />
              <span class="cut">{shortName(change.labels)} {words}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Server() {
  const server = useResource('server', now.value, (signal) => loadServer(now.value, signal));
  const facts = server.data;
  return (
    <section class="panel server" aria-label="This server">
      <b>tortie</b>
      {facts ? (
        <>
          <span>{facts.version}</span>
          {facts.watching === undefined ? null : (
            <a href={href('/alerts')} data-fact="alerts">
              {facts.firing.length > 0 ? <><Mark state="bad" word="" /> {facts.firing.length === 1 ? facts.firing[0] : `${facts.firing.length} alerts`} {facts.firing.length === 1 ? 'is firing' : 'are firing'}</> : facts.watching === 0 ? 'no alert is loaded' : `${facts.watching} alerts, none is firing`}
            </a>
          )}
          {facts.series === undefined ? null : <span><b data-fact="series">{grouped(facts.series)}</b> series in the head</span>}
          {facts.samples === undefined ? null : <span><b>{grouped(facts.samples)}</b> samples a scrape round</span>}
          {facts.start === undefined ? null : <span>up for {roughSpan(now.value - facts.start)}</span>}
          {facts.retention ? <span>keeps {facts.retention}</span> : null}
          {facts.reloadOk === undefined ? null : <span><Mark state={facts.reloadOk ? 'ok' : 'bad'} /> {facts.reloadOk ? 'configuration loaded' : 'last reload failed, the old configuration is in use'}</span>}
        </>
      ) : server.error ? <span class="fg-bad">its status could not be read</span> : <span class="dim">…</span>}
    </section>
  );
}

export default function Overview() {
  const chain = useResource('chain', now.value, (signal) => Promise.all([loadChain(now.value, signal), loadDoctor(signal)]));
  const [states, doctor] = chain.data ?? [undefined, undefined];
  if (chain.error && !states) return <Failure error={chain.error} what="The Overview could not be read" />;
  const says = states ? verdict(states, Object.values(ailing.value).flatMap((list) => list ?? []), doctor) : undefined;
  return (
    <>
      <p class="verdict" role="status" title={says?.text}>
        {says ? <><Mark state={says.state} /> <span>{says.text}</span></> : <span class="dim">Asking for the state of Felix, Typha and kube-controllers …</span>}
      </p>
      {chain.error ? <p class="note">The newest state could not be read; this is the one before.</p> : null}
      <Chain states={states} doctor={doctor} />
      <div class="tiles">
        {states
          ? states.map((state) => <ComponentTile key={state.component.id} state={state} />)
          : [0, 1, 2].map((i) => <div key={i} class="panel tile-space"><Skeleton rows={6} label="Health is loading" /></div>)}
      </div>
      <div class="halves">
        {states ? <Nodes jobs={states[0]!.jobs} /> : <div class="panel half-space" />}
        <Changes />
      </div>
      <Server />
      <footer class="foot">
        <span>At {times.value.full(now.value)}</span>
        <a href={apiUrl('v1/query', { query: 'up' })}>up as JSON</a>
        <a href={apiUrl('v1/targets', { state: 'active' })}>targets as JSON</a>
      </footer>
    </>
  );
}
