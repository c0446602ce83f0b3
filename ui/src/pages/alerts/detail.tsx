// Everything known of one rule or alert, at the side of the list: what it means, what it measures, why it fires or does not.
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { queryColumns } from '../../api/matrix.ts';
import { seriesName } from '../../api/prometheus.ts';
import { useResource } from '../../api/resource.ts';
import { conditionParts, type Alert, type Part } from '../../api/rules.ts';
import { dark } from '../../app/settings.ts';
import { href } from '../../app/router.ts';
import { Chart, type LineSeries } from '../../chart/line.tsx';
import { strokeOf } from '../../chart/palette.ts';
import { formatValue } from '../../format/units.ts';
import { Icon } from '../../parts/icons.tsx';
import { LabelTable } from '../../parts/label-table.tsx';
import { Mark } from '../../parts/mark.tsx';
import { Failure } from '../../parts/message.tsx';
import { useSidePanel } from '../../parts/side-panel.ts';
import { now, range, span, times } from '../../time/clock.ts';
import { formatDuration, roughSpan } from '../../time/duration.ts';
import { alignedGrid, gridTimes } from '../../time/grid.ts';
import { chooseStep } from '../../time/step.ts';
import { markOf } from './row.tsx';
import type { Entry } from './rows.ts';
import { measured, reasons } from './why.ts';

const mostLines = 100;

/** An annotation's text; an address in it can be followed when it is one of the web. */
function Annotation({ text }: { text: string }): ComponentChildren {
  return text.split(/(https?:\/\/[^\s)>\]]+)/).map((piece, i) => (i % 2 === 1 ? <a key={i} href={piece} rel="noreferrer" target="_blank">{piece}</a> : piece));
}

/** What the condition measures over the page's range, with its threshold. */
function Measured({ part }: { part: Part }) {
  const found = measured(part);
  const expr = found?.expr ?? part.expr;
  const { start, end } = span.value;
  const isDark = dark.value;
  const answer = useResource(`${expr} ${range.value.from} ${range.value.to}`, now.value, async (signal) => {
    const grid = alignedGrid(start, end, chooseStep({ span: end - start, points: 150, min: 1000 }).step);
    return { grid, columns: (await queryColumns({ expr, ...grid }, signal)).data };
  });
  const series = useMemo<LineSeries[]>(
    () => (answer.data?.columns ?? []).slice(0, mostLines).map((column, i) => {
      const { color, dash } = strokeOf(i, isDark);
      return { key: seriesName(column.labels), name: seriesName(column.labels), values: column.values, color, dash, width: 1.5, fill: 0, shape: 'linear', points: 'auto', spanNulls: false, right: false, unit: 'short', decimals: undefined, group: undefined, percent: false, hidden: false };
    }),
    [answer.data, isDark],
  );
  if (answer.error && !answer.data) return <Failure error={answer.error} what="The values could not be read" />;
  if (!answer.data) return <div class="graph-wait" />;
  const { grid, columns } = answer.data;
  if (columns.length === 0) return <p class="dim">Nothing of it in this range.</p>;
  return (
    <>
      <Chart
        xs={gridTimes(grid)} series={series} start={start} end={end} height={170} label={`Graph of ${columns.length} series of ${expr}`}
        thresholds={found && Number.isFinite(found.threshold) ? { style: 'dashed', steps: [{ value: -Infinity, color: 'transparent' }, { value: found.threshold, color: 'red' }] } : undefined}
        {...(found && Number.isFinite(found.threshold) ? { softMin: found.threshold, softMax: found.threshold } : {})}
      />
      {columns.length > mostLines ? <p class="note">{mostLines} of {columns.length} series are drawn.</p> : null}
    </>
  );
}

function Values({ part }: { part: Part }) {
  const series = part.series ?? [];
  if (series.length === 0) return null;
  return (
    <table class="values">
      <tbody>
        {series.slice(0, 20).map(({ metric, value }) => (
          <tr key={seriesName(metric)}><td class="mono">{seriesName(metric)}</td><td class="num">{value === undefined ? 'histogram' : formatValue(Number(value), 'short')}</td></tr>
        ))}
      </tbody>
    </table>
  );
}

/** The condition's parts and the series behind them. */
function Why({ entry, part }: { entry: Entry; part: Part }) {
  const [open, setOpen] = useState(false);
  const lines = reasons(part);
  const found = measured(part);
  const leaves = useMemo(() => {
    const all: Part[] = [];
    const walk = (one: Part): void => {
      if (one.parts) one.parts.forEach(walk);
      else if (one.count !== undefined && one.count > 0) all.push(one);
    };
    walk(part);
    return all;
  }, [part]);
  const fires = entry.rule.state === 'firing' ? 'Why it fires' : entry.rule.state === 'pending' ? 'Why it is pending' : 'Why it does not fire';
  return (
    <section class="why" aria-label={fires}>
      <h3>{entry.rule.type === 'alerting' ? fires : 'What it is made of'}</h3>
      <ul>
        {lines.map((line, i) => (
          <li key={i} style={{ paddingLeft: `${line.depth * 14}px` }}>
            <Mark state={line.state === 'holds' ? (entry.rule.type === 'alerting' ? 'warn' : 'ok') : 'off'} word={line.state === 'holds' ? 'holds' : 'does not hold'} />
            <span><code class="cut" title={line.expr}>{line.expr}</code><br />{line.text}</span>
          </li>
        ))}
      </ul>
      {leaves.length > 0 ? (
        <button type="button" class="small" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? 'Hide the series' : 'Series behind it'}</button>
      ) : null}
      {open ? leaves.map((leaf) => (
        <div key={leaf.expr} class="leaf">
          <p class="line"><code class="cut grow" title={leaf.expr}>{leaf.expr}</code> <a href={href('/graph', { 'g0.expr': leaf.expr })}>graph</a></p>
          <Values part={leaf} />
          {(leaf.count ?? 0) > 20 ? <p class="dim">{leaf.count! - 20} more</p> : null}
        </div>
      )) : null}
      {found === undefined && entry.rule.type === 'alerting' ? <p class="dim">It is compared with no number, so there is no threshold to draw.</p> : null}
    </section>
  );
}

export function Detail({ entry, alert }: { entry: Entry; alert: Alert | undefined }) {
  const { rule, group } = entry;
  const { box, close } = useSidePanel(`${entry.key} ${alert === undefined ? '' : seriesName(alert.labels)}`, ['rule', 'alert']);
  const part = useResource(entry.key, now.value, (signal) => conditionParts(rule.query, now.value, signal));
  const annotations = alert?.annotations ?? rule.annotations ?? {};
  const runbook = annotations['runbook_url'];
  const since = alert?.activeAt === undefined ? undefined : Date.parse(alert.activeAt);
  const hold = (rule.duration ?? 0) * 1000;
  const last = Date.parse(rule.lastEvaluation);
  const facts: [string, string | undefined][] = [
    ['State', alert ? (alert.state === 'pending' && since !== undefined ? `pending, fires in ${roughSpan(Math.max(0, since + hold - now.value))} if it stays` : alert.state) : rule.type === 'alerting' ? rule.state : undefined],
    ['Since', since === undefined ? undefined : `${times.value.full(since)}, ${roughSpan(now.value - since)} ago`],
    ['Value', alert === undefined ? undefined : formatValue(Number(alert.value), 'short')],
    ['For', rule.duration === undefined || rule.duration === 0 ? undefined : formatDuration(hold)],
    ['Keeps firing for', rule.keepFiringFor ? formatDuration(rule.keepFiringFor * 1000) : undefined],
    ['Evaluated', last > 0 ? `${times.value.full(last)}, took ${formatValue(rule.evaluationTime, 's')}` : 'not yet'],
    ['Next', last > 0 ? times.value.full(last + group.interval * 1000) : undefined],
    ['Group', `${group.name}, every ${formatDuration(group.interval * 1000)}`],
    ['File', group.file],
  ];
  return (
    <aside class="panel detail" aria-label={rule.name} tabIndex={-1} ref={box}>
      <header>
        <Mark state={markOf(entry, alert)} word={alert?.state ?? entry.state} />
        <h2 class="cut grow" title={rule.name}>{rule.name}</h2>
        {entry.severity === '' ? null : <span class="dim">{entry.severity}</span>}
        <button type="button" class="plain icon-button" onClick={close} aria-label="Close" title="Close (Esc)"><Icon name="close" /></button>
      </header>
      <div class="body">
        {rule.lastError ? <p class="message bad mono" role="alert">{rule.lastError}</p> : null}
        {['summary', 'description', 'message'].map((name) => (annotations[name] ? <p key={name} class={name === 'summary' ? 'summary' : ''}><Annotation text={annotations[name]} /></p> : null))}
        <p class="line">
          {runbook && /^https?:/.test(runbook) ? <a class="button" href={runbook} rel="noreferrer" target="_blank">Runbook</a> : null}
          <a class="button" href={href('/graph', { 'g0.expr': rule.query })}>Open in Explore</a>
        </p>
        <pre class="expr mono">{rule.query}</pre>
        {part.error && !part.data ? <Failure error={part.error} what="The condition could not be taken apart" /> : null}
        {part.data ? <><Measured part={part.data} /><Why entry={entry} part={part.data} /></> : <div class="graph-wait" />}
        <dl class="pairs">{facts.map(([name, value]) => (value === undefined ? null : <div key={name}><dt>{name}</dt><dd>{value}</dd></div>))}</dl>
        <LabelTable title="Labels" labels={alert?.labels ?? rule.labels ?? {}} />
        <LabelTable title="Annotations" labels={Object.fromEntries(Object.entries(annotations).filter(([name]) => !['summary', 'description', 'message'].includes(name)))} />
      </div>
    </aside>
  );
}
