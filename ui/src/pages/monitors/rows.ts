// Monitors as rows: one an object, the broken first. Pure.
import type { Monitors } from '../../api/monitors.ts';
import { natural } from '../../format/natural.ts';
import type { State } from '../../parts/mark.tsx';

export type Fate = 'refused' | 'unselected' | 'empty' | 'active';

export interface Row {
  kind: string;
  /** `namespace/name`. */
  object: string;
  fate: Fate;
  targets: number;
  /** Why it is not active, or where candidates fell out. */
  says: string;
  /** Its scrape pools. */
  pools: string[];
  haystack: string;
}

export const markOf: Record<Fate, State> = { refused: 'bad', unselected: 'warn', empty: 'warn', active: 'ok' };

const order: Fate[] = ['refused', 'unselected', 'empty', 'active'];

/** What a candidate lacks, by the name that the API gives it. */
const causes: Record<string, string> = {
  namespace: 'in another namespace',
  selector: 'without the labels that are selected',
  port: 'with another port',
  ended: 'of a pod that has ended',
  rule: 'dropped by a relabelling rule of the monitor',
};

/** Causes in the order of the way: who passes one falls out at a later one, so that the last is the nearest to a target. */
const nearestFirst = ['rule', 'ended', 'port', 'selector', 'namespace'];

function fellOut(counts: Record<string, number>): string {
  const known = Object.entries(counts).filter(([, n]) => n > 0);
  known.sort(([a], [b]) => nearestFirst.indexOf(a) - nearestFirst.indexOf(b));
  return known.map(([cause, n]) => `${n} ${causes[cause] ?? cause}`).join(', ');
}

/** Rows of all objects, the broken first. */
export function rowsOf(all: Monitors): Row[] {
  const rows = new Map<string, Row>();
  const add = (kind: string, object: string, fate: Fate, says: string) => {
    const row: Row = { kind, object, fate, targets: 0, says, pools: [], haystack: '' };
    rows.set(`${kind} ${object}`, row);
    return row;
  };
  for (const { kind, object, accepted, message, details } of all.objects) {
    // Of a snippet the first line has the place and the words.
    const why = [message ?? 'refused', details?.split('\n')[0]].filter((part) => part).join(': ');
    add(kind, object, accepted ? 'empty' : 'refused', accepted ? '' : why);
  }
  for (const { kind, object, message } of all.unreadable) add(kind, object, 'refused', `cannot be read: ${message}`);
  for (const { kind, object, why } of all.unselected) add(kind, object, 'unselected', why && why.length > 0 ? why.join('; ') : 'no Prometheus selects it');
  const counts = new Map<string, Record<string, number>>();
  for (const job of all.jobs) {
    const key = `${job.kind} ${job.object}`;
    const row = rows.get(key) ?? add(job.kind, job.object, 'empty', '');
    row.pools.push(job.pool);
    row.targets += job.targets;
    const sum = counts.get(key) ?? {};
    for (const [cause, n] of Object.entries(job.fellOut)) sum[cause] = (sum[cause] ?? 0) + n;
    counts.set(key, sum);
  }
  for (const [key, row] of rows) {
    if (row.targets > 0) row.fate = 'active';
    // Rules and their kin have no jobs and no targets.
    else if (row.fate === 'empty' && row.pools.length === 0) row.fate = 'active';
    const lost = fellOut(counts.get(key) ?? {});
    if (row.fate === 'empty') row.says = lost === '' ? 'no target: nothing was found that could be one' : `no target; candidates: ${lost}`;
    row.haystack = `${row.kind} ${row.object} ${row.fate} ${row.says}`.toLowerCase();
  }
  const kept = [...rows.values()];
  return kept.sort((a, b) => order.indexOf(a.fate) - order.indexOf(b.fate) || natural(a.object, b.object) || natural(a.kind, b.kind));
}

/** Rows whose text has all words, of one fate or of all. */
export function filtered(rows: Row[], text: string, fate: Fate | 'all'): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return rows.filter((row) => (fate === 'all' || row.fate === fate) && words.every((word) => row.haystack.includes(word)));
}
