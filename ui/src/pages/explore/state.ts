// The state of Explore and its form in the address: Prometheus' own `g0.expr`, `g0.tab`, ... on input and output.

export interface ExploreState {
  /** Expressions in order; at least one, which may be empty. */
  exprs: string[];
  tab: 'graph' | 'table';
  /** `auto` or a duration. */
  step: string;
  stacked: boolean;
}

/** Reads the state; both forms of Prometheus' tab (`0`/`1` and `graph`/`table`) are understood. */
export function readState(params: URLSearchParams): ExploreState {
  const exprs: string[] = [];
  for (let i = 0; i < 50; i++) {
    const expr = params.get(`g${i}.expr`);
    if (expr === null) break;
    exprs.push(expr);
  }
  const tab = params.get('g0.tab');
  const stacked = params.get('g0.stacked') ?? params.get('g0.display_mode');
  return {
    exprs: exprs.length === 0 ? [''] : exprs,
    // Prometheus opens the table when an address names no tab.
    tab: tab === 'table' || tab === '1' ? 'table' : 'graph',
    step: params.get('g0.step_input') ?? params.get('g0.res_step') ?? 'auto',
    stacked: stacked === '1' || stacked === 'stacked',
  };
}

/** Parameters for `setQuery`, with those of queries that are gone removed. */
export function writeState(state: ExploreState, before: URLSearchParams): Record<string, string | undefined> {
  const changes: Record<string, string | undefined> = {};
  for (const key of before.keys()) if (/^g\d+\./.test(key) && !/^g0\.(range|end|moment)_input$/.test(key)) changes[key] = undefined;
  // An empty first expression is not written: its parameter would be dropped anyway.
  const kept = state.exprs.filter((expr, i) => expr.trim() !== '' || i === 0);
  kept.forEach((expr, i) => (changes[`g${i}.expr`] = expr));
  changes['g0.tab'] = state.tab === 'table' ? 'table' : undefined;
  changes['g0.step_input'] = state.step === 'auto' ? undefined : state.step;
  changes['g0.stacked'] = state.stacked ? '1' : undefined;
  return changes;
}
