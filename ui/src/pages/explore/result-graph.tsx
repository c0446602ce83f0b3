// Answers of range queries as one chart with its legend.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { seriesName } from '../../api/prometheus.ts';
import { dark } from '../../app/settings.ts';
import { Legend, toggled } from '../../chart/legend.tsx';
import { Chart, type LineSeries } from '../../chart/line.tsx';
import { strokeOf } from '../../chart/palette.ts';
import { Empty } from '../../parts/message.tsx';
import { span } from '../../time/clock.ts';
import { gridTimes, type Grid } from '../../time/grid.ts';
import { commonLabels, distinctName } from './names.ts';
import type { QueryRun } from './run.ts';

/** Most series that are drawn; all are counted. */
const mostDrawn = 1000;
const calcs = ['lastNotNull', 'min', 'mean', 'max'];

export function ResultGraph({ runs, stacked, grid }: { runs: QueryRun[]; stacked: boolean; grid: Grid }) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState<string | undefined>();
  const isDark = dark.value;
  const answered = runs.filter((run) => run.result?.kind === 'graph');
  const exprs = runs.map((run) => run.expr).join('\n');
  // A new set of nothing would draw everything a second time.
  useEffect(() => setHidden((old) => (old.size === 0 ? old : new Set())), [exprs]);
  // While a new answer is on its way the old one keeps its own grid.
  const shownGrid = answered[0]?.result?.kind === 'graph' ? answered[0].result.grid : grid;
  const results = answered.map((run) => run.result);
  const { series, total } = useMemo(() => {
    const all = results.flatMap((result, q) => {
      if (result?.kind !== 'graph' || result.grid.start !== shownGrid.start || result.grid.step !== shownGrid.step) return [];
      const common = commonLabels(result.columns.map((column) => column.labels));
      return result.columns.map((column) => ({ q, column, name: distinctName(column.labels, common) }));
    });
    const lines: LineSeries[] = all.slice(0, mostDrawn).map(({ q, column, name }, i) => {
      const key = `${q} ${seriesName(column.labels)}`;
      const { color, dash } = strokeOf(i, isDark);
      return {
        key, name: answered.length > 1 ? `${String.fromCharCode(65 + q)} ${name}` : name, values: column.values, color, dash, width: 1.5,
        fill: stacked ? 35 : 0, shape: 'linear', points: 'auto', spanNulls: false, right: false, unit: 'short', decimals: undefined,
        group: stacked ? 'all' : undefined, percent: false, hidden: hidden.has(key),
      };
    });
    return { series: lines, total: all.length };
  }, [...results, isDark, stacked, hidden, shownGrid]);
  const xs = useMemo(() => gridTimes(shownGrid), [shownGrid.start, shownGrid.end, shownGrid.step]);
  const histograms = answered.some((run) => run.result?.kind === 'graph' && run.result.columns.some((column) => column.histogram));
  if (answered.length > 0 && total === 0) {
    return <Empty title="The query has an empty result"><p class="dim">It is valid, but no series has a sample in this range. Check the metric’s name and the label values by completion (Ctrl Space), or widen the range.</p></Empty>;
  }
  return (
    <>
      {histograms ? <p class="note">The answer holds native histograms, which are not drawn as lines; ask for histogram_quantile or histogram_count of them.</p> : null}
      <Chart xs={xs} series={series} start={span.value.start} end={span.value.end} height={380} label={`Graph of ${total} series; their values are in the legend`} focus={focus} />
      <Legend
        series={series} calcs={calcs} mode="table" onFocus={setFocus}
        onToggle={(key, add) => setHidden((old) => toggled(old, series.map((one) => one.key), key, add))}
      />
      {total > mostDrawn ? <p class="note">{mostDrawn} of {total} series are drawn. topk() or an aggregation shows which matter.</p> : null}
    </>
  );
}
