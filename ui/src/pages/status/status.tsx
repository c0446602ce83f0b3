// The Status page: build, run time, flags, configuration and the store, as the API tells them.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError, apiUrl, call } from '../../api/client.ts';
import { useResource } from '../../api/resource.ts';
import { path, query, setQuery } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { now, times } from '../../time/clock.ts';
import './status.css';

const tabs = [['server', 'Server'], ['store', 'Store'], ['config', 'Configuration'], ['flags', 'Flags']] as const;
type Tab = (typeof tabs)[number][0];

/** Tab of the address; Prometheus' own paths lead to theirs. */
function tabOf(address: string, params: URLSearchParams): Tab {
  const named = tabs.find(([id]) => id === params.get('tab'))?.[0];
  if (named) return named;
  if (address.startsWith('/config')) return 'config';
  if (address.startsWith('/flags')) return 'flags';
  return address.startsWith('/tsdb-status') ? 'store' : 'server';
}

/** `startTime` → `start time`. */
const words = (key: string) => key.replace(/([a-z])([A-Z0-9]+)/g, '$1 $2').toLowerCase();

function shown(key: string, value: unknown): string {
  if (typeof value === 'string') return /time$/i.test(key) && !Number.isNaN(Date.parse(value)) ? times.value.full(Date.parse(value)) : value || '–';
  if (typeof value === 'number') return /time$/i.test(key) && value > 1e11 ? times.value.full(value) : grouped(value);
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : JSON.stringify(value);
}

/** Asks one part of the status; a server that does not have it says so in its place. */
function Part<T>({ title, api, children }: { title: string; api: string; children: (data: T) => ComponentChildren }) {
  const answer = useResource(api, now.value, (signal) => call<T>(api, {}, signal));
  return (
    <section class="panel status-part" aria-label={title}>
      <header><h2>{title}</h2><a class="dim" href={apiUrl(api)}>JSON</a></header>
      {answer.data ? children(answer.data.data)
        : answer.error instanceof ApiError && answer.error.status === 404 ? <Empty title="Not known"><p class="dim">This server does not answer {api} yet.</p></Empty>
        : answer.error ? <Failure error={answer.error} what={`${title} could not be read`} />
        : <Skeleton rows={6} label={`${title} is loading`} />}
    </section>
  );
}

function Pairs({ data }: { data: Record<string, unknown> }) {
  return (
    <table class="pairs-table">
      <tbody>
        {Object.entries(data).map(([key, value]) => <tr key={key}><th scope="row">{words(key)}</th><td class="mono" data-key={key}>{shown(key, value)}</td></tr>)}
      </tbody>
    </table>
  );
}

interface TsdbStatus {
  headStats: Record<string, number>;
  [list: string]: Record<string, number> | { name: string; value: number }[];
}

const lists: [string, string][] = [
  ['seriesCountByMetricName', 'Metrics with the most series'], ['labelValueCountByLabelName', 'Labels with the most values'],
  ['memoryInBytesByLabelName', 'Labels that take the most bytes'], ['seriesCountByLabelValuePair', 'Pairs with the most series'],
];

function Store() {
  return (
    <Part<TsdbStatus> title="Head of the store" api="v1/status/tsdb">
      {(data) => (
        <>
          <Pairs data={data.headStats} />
          <div class="tops">
            {lists.map(([key, title]) => {
              const items = data[key];
              return Array.isArray(items) ? (
                <table key={key}>
                  <caption>{title}</caption>
                  <tbody>{items.map((item) => <tr key={item.name}><td class="mono cut" title={item.name}>{item.name}</td><td class="num">{grouped(item.value)}</td></tr>)}</tbody>
                </table>
              ) : null;
            })}
          </div>
        </>
      )}
    </Part>
  );
}

function Config() {
  const [copied, setCopied] = useState(false);
  return (
    <Part<{ yaml: string }> title="Configuration in use" api="v1/status/config">
      {({ yaml }) => (
        <>
          <p class="inset"><button type="button" class="small" onClick={() => void navigator.clipboard?.writeText(yaml).then(() => setCopied(true))}>{copied ? 'Copied' : 'Copy'}</button></p>
          <pre class="mono yaml" tabIndex={0} aria-label="Configuration as YAML">{yaml}</pre>
        </>
      )}
    </Part>
  );
}

function Flags() {
  const filter = query.value.get('q') ?? '';
  return (
    <>
      <input type="search" data-search placeholder="Filter flags  ( / )" aria-label="Filter flags" value={filter} onInput={(event) => setQuery({ q: event.currentTarget.value }, true)} />
      <Part<Record<string, string>> title="Flags" api="v1/status/flags">
        {(data) => (
          <table class="pairs-table">
            <tbody>
              {Object.entries(data).filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(filter.toLowerCase())).sort().map(([name, value]) => <tr key={name}><th scope="row" class="mono">--{name}</th><td class="mono">{value === '' ? <span class="dim">(empty)</span> : value}</td></tr>)}
            </tbody>
          </table>
        )}
      </Part>
    </>
  );
}

export default function Status() {
  const tab = tabOf(path.value, query.value);
  return (
    <>
      <div class="status-tabs" role="tablist" aria-label="Part">
        {tabs.map(([id, title]) => <button key={id} type="button" role="tab" aria-selected={tab === id} onClick={() => setQuery({ tab: id, q: undefined })}>{title}</button>)}
      </div>
      {tab === 'server' ? (
        <div class="status-pair">
          <Part<Record<string, unknown>> title="Run time" api="v1/status/runtimeinfo">{(data) => <Pairs data={data} />}</Part>
          <Part<Record<string, unknown>> title="Build" api="v1/status/buildinfo">{(data) => <Pairs data={data} />}</Part>
        </div>
      ) : null}
      {tab === 'store' ? <Store /> : null}
      {tab === 'config' ? <Config /> : null}
      {tab === 'flags' ? <Flags /> : null}
      <footer class="foot"><span>At {times.value.full(now.value)}</span><a data-plain href="third-party-licences.txt">Licences of the packages in this page</a></footer>
    </>
  );
}
