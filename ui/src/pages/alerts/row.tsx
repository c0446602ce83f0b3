// One row of the lists of alerts and rules.
import type { Alert, Group } from '../../api/rules.ts';
import { seriesName } from '../../api/prometheus.ts';
import { href, query } from '../../app/router.ts';
import { formatValue } from '../../format/units.ts';
import { Icon } from '../../parts/icons.tsx';
import { Mark, type State } from '../../parts/mark.tsx';
import { formatDuration, roughSpan } from '../../time/duration.ts';
import { outline } from './outline.ts';
import type { Entry } from './rows.ts';
import { isWatchdog } from './watchdog.ts';

/** The mark of a rule or of one of its alerts. An alert that always fires is well when it does. */
export function markOf(entry: Entry, alert?: Alert): State {
  if (entry.rule.health === 'err') return 'bad';
  const state = alert?.state ?? entry.state;
  if (isWatchdog(entry.rule)) return state === 'firing' ? 'ok' : 'bad';
  if (entry.rule.health === 'unknown') return 'unknown';
  return state === 'firing' ? 'bad' : state === 'pending' ? 'warn' : 'ok';
}

function linkTo(params: Record<string, string>): string {
  const all = { ...params };
  for (const name of ['q', 'state', 'x']) {
    const value = query.value.get(name);
    if (value) all[name] = value;
  }
  return href(params['tab'] === 'rules' ? '/rules' : '/alerts', all);
}

/** Labels worth a place in the row: those that the rule's name and severity do not say. */
function labelText(alert: Alert): string {
  return Object.entries(alert.labels).filter(([name]) => name !== 'alertname' && name !== 'severity').map(([name, value]) => `${name}=${value}`).join('  ');
}

export function RuleHead({ entry, open, shown, toggle, selected }: { entry: Entry; open: boolean; shown: number; toggle: () => void; selected: boolean }) {
  const { rule } = entry;
  const firing = (rule.alerts ?? []).filter((alert) => alert.state === 'firing').length;
  const pending = (rule.alerts ?? []).length - firing;
  return (
    <div role="row" class={`row pool ${selected ? 'selected' : ''}`}>
      <div role="cell" class="pool-cell">
        {shown > 0 ? (
          <button type="button" class="plain icon-button" onClick={toggle} aria-expanded={open} aria-label={`Alerts of ${rule.name}`}><span class={`turn ${open ? 'open' : ''}`}><Icon name="right" /></span></button>
        ) : <span class="no-turn" />}
        <Mark state={markOf(entry)} word={entry.state} />
        <a class="rule-name cut" data-row href={linkTo({ rule: entry.key })}><b>{rule.name}</b></a>
        {entry.severity === '' ? null : <span class="dim">{entry.severity}</span>}
        {firing > 0 ? <span class={isWatchdog(rule) ? 'dim' : 'fg-bad'}>{firing} firing</span> : null}
        {pending > 0 ? <span class="warn">{pending} pending</span> : null}
        {rule.health === 'err' ? <span class="fg-bad cut">{rule.lastError}</span> : <span class="dim cut">{rule.annotations?.['summary'] ? outline(rule.annotations['summary']) : rule.query}</span>}
      </div>
    </div>
  );
}

export function AlertRow({ entry, alert, at, selected }: { entry: Entry; alert: Alert; at: number; selected: boolean }) {
  const since = alert.activeAt === undefined ? undefined : Date.parse(alert.activeAt);
  const labels = labelText(alert);
  return (
    <div role="row" class={`row target ${selected ? 'selected' : ''}`}>
      <div role="cell" class="endpoint">
        <Mark state={markOf(entry, alert)} word={alert.state} />
        <a class="cut" data-row href={linkTo({ rule: entry.key, alert: seriesName(alert.labels) })}>{alert.state}</a>
      </div>
      <div role="cell" class="num">{since === undefined ? '–' : roughSpan(at - since)}</div>
      <div role="cell" class="num">{formatValue(Number(alert.value), 'short')}</div>
      <div role="cell" class="says">
        <span class="cut">{alert.annotations['summary'] ?? alert.annotations['description'] ?? ''}</span>
        <span class="dim cut mono tags" title={labels}>{labels}</span>
      </div>
    </div>
  );
}

export function GroupRow({ group }: { group: Group }) {
  const failed = group.rules.filter((rule) => rule.health === 'err').length;
  const last = Date.parse(group.lastEvaluation);
  const slow = group.evaluationTime > group.interval;
  return (
    <div role="row" class="row pool">
      <div role="cell" class="pool-cell">
        <Mark state={failed > 0 ? 'bad' : slow ? 'warn' : last > 0 ? 'ok' : 'unknown'} />
        <b class="cut">{group.name}</b>
        <span>{group.rules.length} {group.rules.length === 1 ? 'rule' : 'rules'}</span>
        {failed > 0 ? <span class="fg-bad">{failed} failed</span> : null}
        <span class="dim">every {formatDuration(group.interval * 1000)}</span>
        <span class={slow ? 'warn' : 'dim'}>{last > 0 ? `took ${formatValue(group.evaluationTime, 's')}${slow ? ', longer than its interval' : ''}` : 'not evaluated yet'}</span>
        <span class="dim cut mono">{group.file}</span>
      </div>
    </div>
  );
}

export function RuleRow({ entry, at, selected }: { entry: Entry; at: number; selected: boolean }) {
  const { rule } = entry;
  const last = Date.parse(rule.lastEvaluation);
  return (
    <div role="row" class={`row target ${selected ? 'selected' : ''}`}>
      <div role="cell" class="endpoint">
        <Mark state={rule.health === 'err' ? 'bad' : rule.health === 'unknown' ? 'unknown' : 'ok'} word={rule.health} />
        <a class="cut" data-row href={linkTo({ tab: 'rules', rule: entry.key })} title={rule.name}>{rule.name}</a>
      </div>
      <div role="cell" class="num">{last > 0 ? `${roughSpan(at - last)} ago` : 'not yet'}</div>
      <div role="cell" class="num">{last > 0 ? formatValue(rule.evaluationTime, 's') : '–'}</div>
      <div role="cell" class="says">
        {rule.type === 'recording' ? <span class="dim">records</span> : <span class={entry.state === 'firing' && !isWatchdog(rule) ? 'fg-bad' : entry.state === 'pending' ? 'warn' : 'dim'}>{entry.state}</span>}
        {rule.lastError ? <span class="fg-bad cut" title={rule.lastError}>{rule.lastError}</span> : <code class="dim cut tags" title={rule.query}>{rule.query}</code>}
      </div>
    </div>
  );
}
