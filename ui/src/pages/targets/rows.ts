// Targets as rows: grouped by pool, failing first, filtered. Pure, so that ten thousand of them can be tested.
import type { Target } from '../../api/prometheus.ts';
import { natural } from '../../format/natural.ts';

export type Health = Target['health'];

export interface Entry {
  target: Target;
  /** Lower-case text that the filter looks into. */
  haystack: string;
  /** Identifies the target in the address. */
  key: string;
}

export interface Pool {
  name: string;
  entries: Entry[];
  up: number;
  down: number;
  unknown: number;
  /** Targets whose last scrape had a warning. */
  warned: number;
  samples: number | undefined;
  /** Slowest last scrape in seconds. */
  slowest: number;
  interval: string;
}

export type Row = { kind: 'pool'; pool: Pool; open: boolean; matches: number } | { kind: 'target'; pool: Pool; entry: Entry };

const rank: Record<Health, number> = { down: 0, unknown: 2, up: 3 };
/** Failing first, then warned, then unknown, then the rest. */
const weight = (target: Target) => (target.health === 'up' && target.lastWarning ? 1 : rank[target.health]);

/** Host and path of a target, short enough for a row. */
export function endpointOf(target: Target): string {
  return target.scrapeUrl.replace(/^http:\/\//, '').replace(/\/metrics$/, '');
}

/** Groups targets into pools, the failing ones first in both. */
export function groupTargets(targets: Target[]): Pool[] {
  const pools = new Map<string, Pool>();
  for (const target of targets) {
    let pool = pools.get(target.scrapePool);
    if (!pool) {
      pool = { name: target.scrapePool, entries: [], up: 0, down: 0, unknown: 0, warned: 0, samples: undefined, slowest: 0, interval: target.scrapeInterval };
      pools.set(target.scrapePool, pool);
    }
    pool[target.health] += 1;
    if (target.lastWarning) pool.warned += 1;
    if (target.samplesScraped !== undefined) pool.samples = (pool.samples ?? 0) + target.samplesScraped;
    pool.slowest = Math.max(pool.slowest, target.lastScrapeDuration);
    const labels = Object.entries(target.labels).map(([name, value]) => `${name}=${value}`);
    pool.entries.push({
      target,
      haystack: `${target.scrapePool} ${target.scrapeUrl} ${labels.join(' ')} ${target.lastError} ${target.lastWarning ?? ''}`.toLowerCase(),
      key: `${target.scrapePool} ${target.scrapeUrl}`,
    });
  }
  const sorted = [...pools.values()];
  for (const pool of sorted) {
    pool.entries.sort((a, b) => weight(a.target) - weight(b.target) || natural(a.target.scrapeUrl, b.target.scrapeUrl));
  }
  const poolWeight = (pool: Pool) => (pool.down > 0 ? 0 : pool.warned > 0 ? 1 : pool.unknown > 0 ? 2 : 3);
  return sorted.sort((a, b) => poolWeight(a) - poolWeight(b) || natural(a.name, b.name));
}

export interface View {
  /** Words that must all be in a target's text. */
  text: string;
  health: Health | 'all';
  /** Pools that are the other way round than by default. */
  toggled: Set<string>;
}

/** Most targets that are shown with every pool open. */
const openUpTo = 200;

/** Rows to draw, in order. Pools without a match are left out; pools are closed by default when all is well and there are many targets. */
export function rowsOf(pools: Pool[], view: View): { rows: Row[]; matches: number } {
  const words = view.text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const total = pools.reduce((sum, pool) => sum + pool.entries.length, 0);
  const filtered = words.length > 0 || view.health !== 'all';
  const rows: Row[] = [];
  let matches = 0;
  for (const pool of pools) {
    const kept = filtered
      ? pool.entries.filter(({ target, haystack }) => (view.health === 'all' || target.health === view.health) && words.every((word) => haystack.includes(word)))
      : pool.entries;
    if (kept.length === 0) continue;
    matches += kept.length;
    const byDefault = filtered || total <= openUpTo || pool.down > 0;
    const open = view.toggled.has(pool.name) ? !byDefault : byDefault;
    rows.push({ kind: 'pool', pool, open, matches: kept.length });
    if (open) for (const entry of kept) rows.push({ kind: 'target', pool, entry });
  }
  return { rows, matches };
}
