// Runs the queries of Explore and can be cancelled.
import { useEffect, useRef, useState } from 'preact/hooks';
import { isAbort, type Answer } from '../../api/client.ts';
import { queryColumns, type Column } from '../../api/matrix.ts';
import { queryInstant, type QueryData } from '../../api/prometheus.ts';
import type { Grid } from '../../time/grid.ts';

export interface GraphResult {
  kind: 'graph';
  columns: Column[];
  grid: Grid;
}

export interface TableResult {
  kind: 'table';
  data: QueryData;
}

export interface QueryRun {
  expr: string;
  result?: (GraphResult | TableResult) | undefined;
  error?: unknown;
  answer?: Pick<Answer<unknown>, 'took' | 'bytes' | 'warnings' | 'infos'> | undefined;
  loading: boolean;
  cancelled?: boolean;
}

export interface Plan {
  exprs: string[];
  tab: 'graph' | 'table';
  grid: Grid;
  /** Moment of the table in epoch milliseconds. */
  at: number;
}

async function runOne(expr: string, plan: Plan, signal: AbortSignal): Promise<QueryRun> {
  if (plan.tab === 'table') {
    const answer = await queryInstant(expr, plan.at, signal);
    return { expr, result: { kind: 'table', data: answer.data }, answer, loading: false };
  }
  const answer = await queryColumns({ expr, ...plan.grid }, signal);
  return { expr, result: { kind: 'graph', columns: answer.data, grid: plan.grid }, answer, loading: false };
}

/**
 * Runs the plan whenever `key` changes. What is shown stays until the next answer when only the range moved; another
 * expression or tab clears it.
 */
export function useRuns(plan: Plan, key: string): { runs: QueryRun[]; cancel: () => void; busy: boolean } {
  const [runs, setRuns] = useState<QueryRun[]>([]);
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    const own = new AbortController();
    controller.current = own;
    setRuns((old) =>
      plan.exprs.map((expr, i) => {
        const before = old[i];
        const same = before && before.expr === expr && before.result?.kind === plan.tab;
        return expr.trim() === '' ? { expr, loading: false } : same ? { ...before, loading: true, cancelled: false } : { expr, loading: true };
      }),
    );
    plan.exprs.forEach((expr, i) => {
      if (expr.trim() === '') return;
      const put = (run: QueryRun) => setRuns((old) => old.map((one, at) => (at === i ? run : one)));
      runOne(expr, plan, own.signal).then(
        (run) => {
          if (!own.signal.aborted) put(run);
        },
        (error: unknown) => {
          if (!own.signal.aborted && !isAbort(error)) put({ expr, error, loading: false });
        },
      );
    });
    return () => own.abort();
  }, [key]);
  const cancel = () => {
    if (!controller.current || controller.current.signal.aborted) return;
    controller.current.abort();
    setRuns((old) => old.map((run) => (run.loading ? { ...run, loading: false, cancelled: true } : run)));
  };
  return { runs, cancel, busy: runs.some((run) => run.loading) };
}
