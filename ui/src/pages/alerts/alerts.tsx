// The Alerts page: what fires, what is about to, what is quiet, and all rules with how they fare.
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { apiUrl } from '../../api/client.ts';
import { seriesName } from '../../api/prometheus.ts';
import { useResource } from '../../api/resource.ts';
import { managers, ruleGroups } from '../../api/rules.ts';
import { href, path, query, setQuery } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { Empty, Failure, Skeleton } from '../../parts/message.tsx';
import { Virtual } from '../../parts/virtual.tsx';
import { now, times } from '../../time/clock.ts';
import { Detail } from './detail.tsx';
import { AlertRow, GroupRow, RuleHead, RuleRow } from './row.tsx';
import { alertRows, counts, entriesOf, type Entry, type State } from './rows.ts';
import './alerts.css';

const states: (State | 'all')[] = ['all', 'firing', 'pending', 'inactive'];
const titles = { all: 'All rules', firing: 'Firing', pending: 'Pending', inactive: 'Quiet' };
const rowHeight = 26;

type RuleListRow = { kind: 'group'; entry: Entry } | { kind: 'rule'; entry: Entry };

/** Rows of the tab Rules: each group, then its rules; failing groups first. */
function ruleRows(entries: Entry[], text: string): RuleListRow[] {
  const wanted = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const kept = entries.filter(({ haystack }) => wanted.every((word) => haystack.includes(word)));
  const failing = new Set(kept.filter(({ rule }) => rule.health === 'err').map(({ group }) => group));
  const sorted = [...kept.filter(({ group }) => failing.has(group)), ...kept.filter(({ group }) => !failing.has(group))];
  return sorted.flatMap((entry, i) => (sorted[i - 1]?.group === entry.group ? [{ kind: 'rule' as const, entry }] : [{ kind: 'group' as const, entry }, { kind: 'rule' as const, entry }]));
}

function List({ label, columns, count, row }: { label: string; columns: string[]; count: number; row: (index: number) => ComponentChildren }) {
  return (
    <div class="panel list alert-list" role="table" aria-label={label} aria-rowcount={count + 1}>
      <div role="row" class="row head">
        {columns.map((title, i) => <div key={title} role="columnheader" class={i === 1 || i === 2 ? 'num' : i === 3 ? 'says' : ''}>{title}</div>)}
      </div>
      <Virtual count={count} rowHeight={rowHeight} row={row} />
    </div>
  );
}

export default function Alerts() {
  // Together: a line that came later would push the list down.
  const answer = useResource('rules', now.value, (signal) => Promise.all([ruleGroups(signal), managers(signal)]));
  const params = query.value;
  const rulesTab = path.value.startsWith('/rules');
  const text = params.get('q') ?? '';
  const named = params.get('state');
  const state = states.find((one) => one === named) ?? 'all';
  const toggles = params.get('x') ?? '';
  const selectedRule = params.get('rule');
  const selectedAlert = params.get('alert');

  const [{ data: groups } = { data: undefined }, to = []] = answer.data ?? [];
  const entries = useMemo(() => entriesOf(groups ?? []), [groups]);
  const found = useMemo(() => counts(entries), [entries]);
  const view = useMemo(() => alertRows(entries, { text, state, toggled: new Set(toggles === '' ? [] : toggles.split('\n')) }), [entries, text, state, toggles]);
  const listed = useMemo(() => (rulesTab ? ruleRows(entries, text) : []), [entries, text, rulesTab]);

  if (answer.error && !answer.data) return <Failure error={answer.error} what="The rules could not be read" />;
  if (!groups) return <div class="panel"><Skeleton rows={14} label="Rules are loading" /></div>;

  const selected = entries.find(({ key }) => key === selectedRule);
  const alert = selected?.rule.alerts?.find(({ labels }) => seriesName(labels) === selectedAlert);
  const toggle = (key: string) => {
    const set = new Set(toggles === '' ? [] : toggles.split('\n'));
    if (!set.delete(key)) set.add(key);
    setQuery({ x: [...set].join('\n') }, true);
  };
  const failed = entries.filter(({ rule }) => rule.health === 'err').length;
  return (
    <>
      <div class="toolbar">
        <div class="pair" role="group" aria-label="What is listed">
          <a class="button" href={href('/alerts')} aria-current={rulesTab ? undefined : 'page'}>Alerts</a>
          <a class="button" href={href('/rules')} aria-current={rulesTab ? 'page' : undefined}>Rules <b data-count="rules">{grouped(entries.length)}</b>{failed > 0 ? <span class="fg-bad"> {failed} failed</span> : null}</a>
        </div>
        {rulesTab ? null : (
          <div class="pair" role="group" aria-label="State">
            {states.map((one) => (
              <button key={one} type="button" aria-pressed={state === one} onClick={() => setQuery({ state: one === 'all' ? undefined : one })}>
                {titles[one]}{one === 'all' ? null : <> <b data-count={one}>{grouped(found[one])}</b></>}
              </button>
            ))}
          </div>
        )}
        <input
          type="search" data-search class="grow" placeholder={rulesTab ? 'Filter by name, expression, file or error  ( / )' : 'Filter by name, label, annotation or expression  ( / )'} aria-label="Filter" value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value }, true)}
        />
        <span class="dim">{to.length === 0 ? 'sent to nobody: no Alertmanager is configured' : `sent to ${to.length} ${to.length === 1 ? 'Alertmanager' : 'Alertmanagers'}`}</span>
      </div>
      {answer.error ? <p class="note">The newest state could not be read; this is the one before.</p> : null}
      <div class={`targets ${selected ? 'with-detail' : ''}`}>
        {entries.length === 0 ? (
          <div class="panel">
            <Empty title="No rule is loaded">
              <p class="dim">The configuration names no rule file that holds one: <code>rule_files</code> lists them, <code>tortie rules check FILE</code> says what is wrong with one.</p>
            </Empty>
          </div>
        ) : rulesTab ? (
          listed.length === 0 ? <div class="panel"><Empty title="No rule matches"><p class="dim">None contains “{text}”. <button type="button" class="small" onClick={() => setQuery({ q: undefined })}>Show all {grouped(entries.length)}</button></p></Empty></div> : (
            <List
              label="Rules" columns={['Rule', 'Evaluated', 'Took', 'Expression or error']} count={listed.length}
              row={(index) => {
                const { kind, entry } = listed[index]!;
                return kind === 'group' ? <GroupRow key={`group ${entry.key}`} group={entry.group} /> : <RuleRow key={entry.key} entry={entry} at={now.value} selected={entry === selected} />;
              }}
            />
          )
        ) : view.rows.length === 0 ? (
          <div class="panel">
            {text === '' && state !== 'inactive' && state !== 'all' ? (
              <Empty title={`Nothing is ${state}`}><p class="dim">{grouped(found.inactive)} alerting {found.inactive === 1 ? 'rule is' : 'rules are'} quiet. <button type="button" class="small" onClick={() => setQuery({ state: undefined })}>Show them</button></p></Empty>
            ) : (
              <Empty title="No alert matches"><p class="dim">{text === '' ? '' : <>None contains “{text}”. </>}<button type="button" class="small" onClick={() => setQuery({ q: undefined, state: undefined })}>Show all</button></p></Empty>
            )}
          </div>
        ) : (
          <List
            label="Alerts" columns={['Alert', 'For', 'Value', 'What it says']} count={view.rows.length}
            row={(index) => {
              const row = view.rows[index]!;
              return row.kind === 'rule' ? (
                <RuleHead key={row.entry.key} entry={row.entry} open={row.open} shown={row.shown} toggle={() => toggle(row.entry.key)} selected={row.entry === selected && alert === undefined} />
              ) : (
                <AlertRow key={row.key} entry={row.entry} alert={row.alert} at={now.value} selected={row.entry === selected && row.alert === alert} />
              );
            }}
          />
        )}
        {selected ? <Detail entry={selected} alert={alert} /> : null}
      </div>
      <footer class="foot">
        <span>At {times.value.full(now.value)}</span>
        <a href={apiUrl('v1/rules')}>rules as JSON</a>
        <a href={apiUrl('v1/alerts')}>alerts as JSON</a>
      </footer>
    </>
  );
}
