// The Doctor page: every link of the chain, the broken one by name, the command that mends it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, apiUrl } from '../../api/client.ts';
import { doctorState, lookAgain, type DoctorState } from '../../api/doctor.ts';
import { useResource } from '../../api/resource.ts';
import { href } from '../../app/router.ts';
import { Mark } from '../../parts/mark.tsx';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { now, times } from '../../time/clock.ts';
import { Copy } from './copy.tsx';
import { Chain } from './chain.tsx';
import { FindingPanel } from './finding.tsx';
import { Enable } from './enable.tsx';
import { age, closing, lookedAt } from './words.ts';
import './doctor.css';

/** How often a look that runs is asked for its end. */
const pollMs = 600;

function Unconnected() {
  return (
    <div class="panel">
      <Empty title="This server knows no cluster to judge">
        <p>It was started without a kubeconfig. The doctor looks at a cluster's objects, at what its Prometheus scrapes and at the processes, and only reads.</p>
        <ul class="ways">
          <li>To judge a cluster on this page, start the server with <Copy text="tortie run --kubeconfig ~/.kube/config" /></li>
          <li>To judge it once, on the command line: <Copy text="tortie doctor" /></li>
          <li>To try it on a make-believe cluster: <Copy text="tortie demo" /></li>
        </ul>
        <p class="dim">What can be told from the targets alone is on the <a href={href('/')}>Overview</a>: whether they are found, answer, and bring fresh series.</p>
      </Empty>
    </div>
  );
}

/** Starts a look and watches until it ends. */
function Looking({ state, begin }: { state: DoctorState | undefined; begin: () => void }) {
  const running = state?.state === 'running';
  const seconds = running && state.startedMs !== null ? Math.max(0, Math.round((state.nowMs - state.startedMs) / 1000)) : 0;
  return (
    <div class="looking">
      <span class="dim" role="status">
        {running ? `Looking at the cluster, ${seconds} s` : state?.finishedMs ? <span title={times.value.full(state.finishedMs)}>Judged {age(state.ageMs)}, took {(state.tookMs / 1000).toFixed(1)} s</span> : 'Not judged yet'}
      </span>
      <button type="button" class="main" disabled={running || !state} onClick={begin}>Look again</button>
      <div class={`progress ${running ? 'on' : ''}`} aria-hidden="true"><div /></div>
    </div>
  );
}

export default function DoctorPage() {
  const [tick, setTick] = useState(0);
  const [failed, setFailed] = useState<unknown>();
  const answer = useResource('doctor', `${now.value} ${tick}`, (signal) => doctorState(signal));
  const state = answer.data;
  const asked = useRef(false);
  const begin = () => {
    setFailed(undefined);
    lookAgain().then(() => setTick((n) => n + 1), setFailed);
  };
  useEffect(() => {
    if (state?.state !== 'running') return undefined;
    const timer = window.setTimeout(() => setTick((n) => n + 1), pollMs);
    return () => window.clearTimeout(timer);
  }, [state]);
  useEffect(() => {
    // Nobody looked yet: the page does, once.
    if (!state || asked.current || state.state === 'running' || state.finishedMs) return;
    asked.current = true;
    begin();
  }, [state]);

  const unknown = answer.error instanceof ApiError && (answer.error.status === 503 || answer.error.status === 404) && answer.error.kind !== 'execution';
  if (!state && unknown) return <Unconnected />;
  if (!state && answer.error) return <Failure error={answer.error} what="The doctor could not be asked" />;
  const report = state?.report ?? undefined;
  const says = closing(report, state);
  const findings = report?.findings ?? [];
  return (
    <>
      <div class="doctor-head">
        <p class="verdict" title={says?.text}>
          {says ? <><Mark state={says.state} /> <span>{says.text}</span></> : <span class="dim">Waiting for the first look …</span>}
        </p>
        <Looking state={state} begin={begin} />
      </div>
      <Chain table={state?.table ?? undefined} />
      <p class="looked dim cut" title={lookedAt(state)}>{lookedAt(state)}</p>
      {failed ? <Failure error={failed} what="A new look could not be begun" /> : null}
      {answer.error && state ? <p class="note">The newest state could not be read; this is the one before.</p> : null}
      {state?.error ? (
        <div class="message bad" role="alert">
          <p><b>The cluster could not be looked at</b></p>
          <p class="mono">{state.error}</p>
          <p class="dim">Cluster: {state.cluster}. Mend what is named, then look again.</p>
        </div>
      ) : null}
      {report ? (
        <>
          {findings.map((finding) => <FindingPanel key={finding.fingerprint} finding={finding} slugs={report.checks} />)}
          {findings.length === 0 && !state?.error ? (
            <div class="panel"><Empty title="No finding">
              <p class="dim">Every link that was looked at holds, from the components' settings to the samples. Links marked with ○ could not be looked at; below it says why.</p>
            </Empty></div>
          ) : null}
          <Unseen state={state!} />
        </>
      ) : !state?.error ? <div class="panel findings-space"><Skeleton rows={8} label="The report is loading" /></div> : null}
      {state && (report || state.error) ? (
        <>
          <Enable setup={state.setup} done={() => setTick((n) => n + 1)} />
          <footer class="foot">
            <span>The same on the command line: <code>tortie doctor</code></span>
            <a href={apiUrl('tortie/v1/doctor')}>report as JSON</a>
          </footer>
        </>
      ) : null}
    </>
  );
}

/** What could not be looked at, and why. */
function Unseen({ state }: { state: DoctorState }) {
  const report = state.report!;
  const count = (verdict: string) => report.checks.filter((check) => check.verdict === verdict).length;
  const unknown = report.checks.filter((check) => check.verdict === 'unknown');
  const words = [
    `${count('pass')} checks passed`, ...([['unknown', 'could not be looked at'], ['blocked', 'held back by a finding'], ['pending', 'too young to judge'], ['skipped', 'do not apply']] as const)
      .filter(([verdict]) => count(verdict) > 0).map(([verdict, text]) => `${count(verdict)} ${text}`),
  ];
  return (
    <section class="panel unseen" aria-labelledby="unseen-title">
      <header><h2 id="unseen-title">All checks</h2><span class="dim">{words.join(', ')}</span></header>
      {unknown.length + state.unseen.length > 0 ? (
        <details>
          <summary data-row>What could not be looked at, and why</summary>
          <table>
            <caption class="sr">What could not be looked at</caption>
            <thead class="sr"><tr><th>What</th><th>Why</th></tr></thead>
            <tbody>
              {unknown.map((check) => <tr key={`${check.id} ${check.entity}`}><td class="mono">{check.id} {check.entity}</td><td>{check.slug.replaceAll('-', ' ')}: {check.note}</td></tr>)}
              {state.unseen.map((one) => <tr key={one.what}><td>{one.what}</td><td>{one.reason}</td></tr>)}
            </tbody>
          </table>
        </details>
      ) : null}
    </section>
  );
}
