// The list of dashboards, and the import of one from Grafana.
import { useRef, useState } from 'preact/hooks';
import { ApiError, errorText } from '../../api/client.ts';
import { useResource } from '../../api/resource.ts';
import { go, href, query, setQuery } from '../../app/router.ts';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { now } from '../../time/clock.ts';
import { forgetDashboard, importDashboard, importedDashboards, serverDashboards, type Listed } from './store.ts';
import './dashboards.css';

function Import({ done }: { done: (uid: string) => void }) {
  const file = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | undefined>();
  const read = (source: Blob) => {
    source.text().then((text) => done(importDashboard(text))).catch((error: unknown) => setProblem(errorText(error)));
  };
  return (
    <>
      <button type="button" onClick={() => file.current?.click()}>Import Grafana JSON …</button>
      <input
        ref={file} type="file" accept=".json,application/json" hidden aria-label="Dashboard file"
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          setProblem(undefined);
          if (chosen) read(chosen);
          event.currentTarget.value = '';
        }}
      />
      {problem === undefined ? null : <p class="message bad mono" role="alert">{problem}</p>}
    </>
  );
}

function Entry({ one, forget }: { one: Listed; forget: () => void }) {
  return (
    <tr>
      <td><a data-row href={href(`/d/${one.uid}`)}>{one.title}</a></td>
      <td>{one.tags.map((tag) => <button key={tag} type="button" class="small tag" onClick={() => setQuery({ q: tag })}>{tag}</button>)}</td>
      <td class="dim">{one.imported ? 'imported in this browser' : 'from the server'}</td>
      <td class="num">{one.imported ? <button type="button" class="small" onClick={forget}>Remove</button> : null}</td>
    </tr>
  );
}

export default function Dashboards() {
  const [turn, setTurn] = useState(0);
  const server = useResource('dashboards', Math.floor(now.value / 60_000), (signal) => serverDashboards(signal));
  const filter = query.value.get('q') ?? '';
  const own = importedDashboards();
  const all = [...(server.data ?? []).filter((one) => !own.some((mine) => mine.uid === one.uid)), ...own];
  const shown = all.filter((one) => `${one.title} ${one.tags.join(' ')}`.toLowerCase().includes(filter.toLowerCase()));
  const missing = server.error instanceof ApiError && server.error.status === 404;
  return (
    <>
      <div class="toolbar">
        <input type="search" data-search class="grow" placeholder="Search by title or tag  ( / )" aria-label="Search dashboards" value={filter} onInput={(event) => setQuery({ q: event.currentTarget.value }, true)} />
        <Import done={(uid) => go(href(`/d/${uid}`))} />
      </div>
      {server.error && !missing ? <Failure error={server.error} what="The server’s dashboards could not be read" /> : null}
      {missing ? <p class="note">This server keeps no dashboards of its own; imported ones are kept in this browser.</p> : null}
      <div class="panel list-panel" data-turn={turn}>
        {!server.data && !server.error ? <Skeleton rows={4} label="Dashboards are loading" /> : all.length === 0 ? (
          <Empty title="There is no dashboard"><p class="dim">Import a Grafana dashboard as a JSON file: in Grafana open Share, Export, Save to file.</p></Empty>
        ) : shown.length === 0 ? (
          <Empty title={`No dashboard matches “${filter}”`}><p><button type="button" class="small" onClick={() => setQuery({ q: undefined })}>Show all {all.length}</button></p></Empty>
        ) : (
          <table class="dashboard-list">
            <thead><tr><th scope="col">Dashboard</th><th scope="col">Tags</th><th scope="col">Kept</th><th scope="col"><span class="sr">Action</span></th></tr></thead>
            <tbody>
              {shown.map((one) => <Entry key={one.uid} one={one} forget={() => { forgetDashboard(one.uid); setTurn(turn + 1); }} />)}
            </tbody>
          </table>
        )}
      </div>
    </>
  );
}
