// Explore: one or more PromQL expressions as a graph or a table; its whole state is in the address.
import { useEffect, useState } from 'preact/hooks';
import { apiUrl, call, errorText } from '../../api/client.ts';
import { rangeParams } from '../../api/prometheus.ts';
import { query, setQuery } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { formatValue } from '../../format/units.ts';
import { Icon } from '../../parts/icons.tsx';
import { Failure, Skeleton } from '../../parts/message.tsx';
import { now, refreshNow, span, times } from '../../time/clock.ts';
import { formatDuration, parseDuration } from '../../time/duration.ts';
import { alignedGrid } from '../../time/grid.ts';
import { chooseStep } from '../../time/step.ts';
import { Editor } from './editor.tsx';
import { ResultGraph } from './result-graph.tsx';
import { ResultTable } from './result-table.tsx';
import { useRuns, type Plan, type QueryRun } from './run.ts';
import { readState, writeState, type ExploreState } from './state.ts';
import './explore.css';

const examples: [string, string][] = [
  ['up', 'which targets answer'],
  ['max by (instance) (felix_int_dataplane_apply_time_seconds{quantile="0.99"})', 'how long Felix takes to apply a change'],
  ['sum by (instance) (typha_connections_streaming)', 'clients of each Typha'],
  ['sum by (ippool) (ipam_allocations_in_use) / on (ippool) sum by (ippool) (ipam_ippool_size)', 'how full the IP pools are'],
  ['topk(10, count by (__name__) ({__name__!=""}))', 'metrics with the most series'],
];

const points = 400;

/** Changes the state in the address; `replace` leaves the history alone. */
function write(state: ExploreState, replace = false): void {
  setQuery(writeState(state, query.value), replace);
}

function QueryLine({ state, index, drafts, setDraft, run, busy, cancel }: {
  state: ExploreState; index: number; drafts: string[]; setDraft: (text: string) => void; run: (exprs: string[]) => void; busy: boolean; cancel: () => void;
}) {
  const [problem, setProblem] = useState<string | undefined>();
  const expr = drafts[index] ?? '';
  const letter = String.fromCharCode(65 + index);
  const all = (text: string) => drafts.map((draft, i) => (i === index ? text : draft));
  const format = () => {
    setProblem(undefined);
    call<string>('v1/format_query', { query: expr }).then(({ data }) => setDraft(data), (error: unknown) => setProblem(errorText(error)));
  };
  return (
    <div class="query">
      <div class="line">
        {state.exprs.length > 1 ? <span class="letter" aria-hidden="true">{letter}</span> : null}
        <Editor
          value={expr} first={index === 0} label={`Expression ${letter}`}
          onChange={(text) => { setProblem(undefined); setDraft(text); }} onRun={(text) => run(all(text))}
        />
        {busy ? (
          <button type="button" class="run" onClick={cancel} title="Cancel (Esc)">Cancel</button>
        ) : (
          <button type="button" class={index === 0 ? 'run main' : 'run'} onClick={() => run(drafts)} title="Run (Enter)">Run</button>
        )}
        <button type="button" onClick={format} disabled={expr.trim() === ''} title="Format the expression">Format</button>
        {drafts.length > 1 ? (
          <button type="button" class="plain icon-button" aria-label={`Remove expression ${letter}`} title="Remove" onClick={() => run(drafts.filter((_, i) => i !== index))}><Icon name="close" /></button>
        ) : null}
      </div>
      {problem === undefined ? null : <p class="fg-bad mono" role="alert">{problem}</p>}
    </div>
  );
}

function Numbers({ run, plan, index, many }: { run: QueryRun; plan: Plan; index: number; many: boolean }) {
  const { result, answer } = run;
  if (!result || !answer) return null;
  const parts: string[] = [];
  if (result.kind === 'graph') {
    const samples = result.columns.reduce((sum, column) => sum + column.samples, 0);
    parts.push(`step ${formatDuration(result.grid.step)}`, `${grouped(result.columns.length)} series`, `${grouped(samples)} points`);
  } else {
    const count = result.data.resultType === 'vector' || result.data.resultType === 'matrix' ? result.data.result.length : 1;
    parts.push(`${grouped(count)} ${result.data.resultType === 'matrix' ? 'range vectors' : 'series'}`);
  }
  parts.push(`answered in ${formatValue(answer.took / 1000, 's')}`, formatValue(answer.bytes, 'decbytes'));
  const url = result.kind === 'graph' ? apiUrl('v1/query_range', rangeParams({ expr: run.expr, ...result.grid })) : apiUrl('v1/query', { query: run.expr, time: (plan.at / 1000).toFixed(3) });
  return (
    <p class="numbers dim" data-numbers>
      {many ? <b>{String.fromCharCode(65 + index)}</b> : null} {parts.join(' · ')} · <a href={url}>JSON</a>
    </p>
  );
}

export default function Explore() {
  const state = readState(query.value);
  const exprKey = state.exprs.join('\u0000');
  const [drafts, setDrafts] = useState(state.exprs);
  useEffect(() => setDrafts(state.exprs), [exprKey]);

  const { start, end } = span.value;
  const wished = state.step === 'auto' ? undefined : parseDuration(state.step);
  const step = chooseStep({ span: end - start, points: wished === undefined ? points : (end - start) / wished, min: wished ?? 1000 }).step;
  const plan: Plan = { exprs: state.exprs, tab: state.tab, grid: alignedGrid(start, end, wished !== undefined && wished > 0 && (end - start) / wished <= 11_000 ? wished : step), at: end };
  const key = [exprKey, state.tab, plan.grid.start, plan.grid.end, plan.grid.step, now.value, state.tab === 'table' ? end : ''].join('|');
  const { runs, cancel, busy } = useRuns(plan, key);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && busy) cancel();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });

  const run = (exprs: string[]) => {
    const next = exprs.length === 0 ? [''] : exprs;
    setDrafts(next);
    write({ ...state, exprs: next });
    refreshNow();
  };
  const many = state.exprs.length > 1;
  const empty = state.exprs.every((expr) => expr.trim() === '');
  const waiting = runs.some((one) => one.loading) && runs.every((one) => !one.result);
  const badStep = state.step !== 'auto' && wished === undefined;

  return (
    <>
      <div class="panel queries">
        {drafts.map((_, index) => (
          <QueryLine
            key={index} state={state} index={index} drafts={drafts} run={run} busy={busy && runs[index]?.loading === true} cancel={cancel}
            setDraft={(text) => setDrafts((old) => old.map((draft, i) => (i === index ? text : draft)))}
          />
        ))}
        <div class="options">
          <div class="pair tabs" role="tablist" aria-label="View">
            {(['graph', 'table'] as const).map((tab) => (
              <button key={tab} type="button" role="tab" aria-selected={state.tab === tab} aria-controls="result" onClick={() => write({ ...state, exprs: drafts, tab })}>{tab === 'graph' ? 'Graph' : 'Table'}</button>
            ))}
          </div>
          <button type="button" onClick={() => setDrafts([...drafts, ''])}><Icon name="plus" /> Query</button>
          {state.tab === 'graph' ? (
            <>
              <label class="check">Step <input class="step" value={state.step} aria-invalid={badStep} list="steps" onChange={(event) => write({ ...state, exprs: drafts, step: event.currentTarget.value.trim() || 'auto' })} /></label>
              <datalist id="steps">{['auto', '5s', '15s', '30s', '1m', '5m', '15m', '1h'].map((one) => <option key={one} value={one} />)}</datalist>
              <label class="check"><input type="checkbox" checked={state.stacked} onChange={(event) => write({ ...state, exprs: drafts, stacked: event.currentTarget.checked })} /> Stacked</label>
              {badStep ? <span class="fg-bad">{state.step} is not a duration such as 15s or 1m</span> : null}
            </>
          ) : <span class="dim">at {times.value.full(end)}</span>}
        </div>
      </div>
      <div id="result" class={`panel result-box ${busy && !waiting ? 'stale' : ''}`} role="tabpanel" aria-busy={busy}>
        {empty ? (
          <div class="message" role="status">
            <p><b>Nothing is asked yet.</b> <span class="dim">Type an expression, or take one of these:</span></p>
            <ul class="examples">
              {examples.map(([expr, what]) => (
                <li key={expr}><button type="button" class="plain" onClick={() => run([expr])}><code>{expr}</code></button> <span class="dim">{what}</span></li>
              ))}
            </ul>
          </div>
        ) : (
          <>
            {runs.map((one, i) => (
              <div key={i}>
                {one.error ? <Failure error={one.error} what={many ? `Expression ${String.fromCharCode(65 + i)} failed` : 'The query failed'} /> : null}
                {one.cancelled ? <p class="note">Cancelled{one.result ? '; this is the answer before' : ''}.</p> : null}
                {one.answer?.warnings.map((text) => <p key={text} class="note">{text}</p>)}
                {one.answer?.infos.map((text) => <p key={text} class="note info">{text}</p>)}
              </div>
            ))}
            {waiting ? <div class="graph-space"><Skeleton rows={10} label="The query runs" /></div> : null}
            {state.tab === 'graph' && runs.some((one) => one.result?.kind === 'graph') ? <ResultGraph runs={runs} stacked={state.stacked} grid={plan.grid} /> : null}
            {state.tab === 'table'
              ? runs.map((one, i) => (one.result?.kind === 'table' ? (
                  <section key={i} aria-label={`Result of ${one.expr}`}>
                    {many ? <h3 class="inset mono">{String.fromCharCode(65 + i)} {one.expr}</h3> : null}
                    <ResultTable data={one.result.data} at={plan.at} />
                  </section>
                ) : null))
              : null}
          </>
        )}
      </div>
      <footer class="foot">
        {runs.map((one, i) => <Numbers key={i} run={one} plan={plan} index={i} many={many} />)}
      </footer>
    </>
  );
}
