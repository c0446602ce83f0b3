// Alerts and rules as rows: the loudest first, filtered. Pure, so that ten thousand of them can be tested.
import type { Alert, Group, Rule } from '../../api/rules.ts';
import { natural } from '../../format/natural.ts';
import { isWatchdog } from './watchdog.ts';

export type State = 'firing' | 'pending' | 'inactive';

/** A rule with the group it stands in. */
export interface Entry {
  rule: Rule;
  group: Group;
  /** Identifies the rule in the address: file, group, name and, of several alike, its number. */
  key: string;
  state: State;
  severity: string;
  haystack: string;
}

export type Row =
  | { kind: 'rule'; entry: Entry; open: boolean; shown: number }
  | { kind: 'alert'; entry: Entry; alert: Alert; key: string };

const stateRank: Record<State, number> = { firing: 0, pending: 1, inactive: 2 };
/** A rule that cannot be evaluated watches nothing: it stands before the quiet ones. */
const weight = ({ rule, state }: Entry) => (state === 'inactive' && rule.health === 'err' ? 1.5 : isWatchdog(rule) && state === 'firing' ? 1.7 : stateRank[state]);
const severityRank = ['page', 'critical', 'error', 'major', 'warning', 'minor', 'info', 'none'];
const rankOf = (severity: string) => {
  const at = severityRank.indexOf(severity.toLowerCase());
  return at < 0 ? 4 : at;
};

const words = (labels: Record<string, string> | undefined) => Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`).join(' ');

/** All rules, in the order of their files. */
export function entriesOf(groups: Group[]): Entry[] {
  return groups.flatMap((group) => {
    const seen = new Map<string, number>();
    return group.rules.map((rule): Entry => {
      const times = (seen.get(rule.name) ?? 0) + 1;
      seen.set(rule.name, times);
      const state: State = rule.state === 'firing' || rule.state === 'pending' ? rule.state : 'inactive';
      return {
        rule, group, state, key: `${group.file};${group.name};${rule.name};${times}`, severity: rule.labels?.['severity'] ?? rule.alerts?.[0]?.labels['severity'] ?? '',
        haystack: `${rule.name} ${rule.query} ${words(rule.labels)} ${words(rule.annotations)} ${group.name} ${group.file} ${rule.lastError ?? ''}`.toLowerCase(),
      };
    });
  });
}

export interface View {
  text: string;
  state: State | 'all';
  /** Rules that are the other way round than by default. */
  toggled: Set<string>;
}

/** Rules with more alerts than this are closed until asked for. */
const openUpTo = 20;

/** Rows of the tab Alerts: alerting rules that are firing, then pending, then quiet ones, each with its alerts below. */
export function alertRows(entries: Entry[], view: View): { rows: Row[]; alerts: number } {
  const wanted = view.text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const sorted = entries
    .filter(({ rule, state }) => rule.type === 'alerting' && (view.state === 'all' || state === view.state || rule.alerts?.some((alert) => alert.state === view.state)))
    .sort((a, b) => weight(a) - weight(b) || rankOf(a.severity) - rankOf(b.severity) || natural(a.rule.name, b.rule.name));
  const rows: Row[] = [];
  let count = 0;
  for (const entry of sorted) {
    const whole = wanted.every((word) => entry.haystack.includes(word));
    const alerts = (entry.rule.alerts ?? [])
      .filter((alert) => view.state === 'all' || alert.state === view.state)
      .filter((alert) => whole || wanted.every((word) => `${entry.haystack} ${words(alert.labels)} ${words(alert.annotations)}`.toLowerCase().includes(word)))
      .sort((a, b) => Number(a.state === 'pending') - Number(b.state === 'pending') || (a.activeAt ?? '').localeCompare(b.activeAt ?? ''));
    if (!whole && alerts.length === 0) continue;
    count += alerts.length;
    const byDefault = alerts.length <= openUpTo && !isWatchdog(entry.rule);
    const open = alerts.length > 0 && (view.toggled.has(entry.key) ? !byDefault : byDefault);
    rows.push({ kind: 'rule', entry, open, shown: alerts.length });
    if (open) for (const alert of alerts) rows.push({ kind: 'alert', entry, alert, key: `${entry.key};${words(alert.labels)}` });
  }
  return { rows, alerts: count };
}

/** Alerts in each state, and rules that are quiet. */
export function counts(entries: Entry[]): Record<State, number> {
  const found = { firing: 0, pending: 0, inactive: 0 };
  for (const { rule, state } of entries) {
    if (rule.type !== 'alerting') continue;
    if (state === 'inactive') found.inactive += 1;
    for (const alert of rule.alerts ?? []) found[alert.state] += 1;
  }
  return found;
}
