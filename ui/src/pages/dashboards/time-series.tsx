// The time series panel: chart and legend in the room that the panel has.
import { useMemo, useState } from 'preact/hooks';
import { dark } from '../../app/settings.ts';
import { gridTimes } from '../../time/grid.ts';
import { Legend, toggled } from '../../chart/legend.tsx';
import { Chart } from '../../chart/line.tsx';
import { at, flag, list, number, object, text, thresholdsOf } from '../../grafana/field.ts';
import { linesOf } from '../../grafana/lines.ts';
import { span } from '../../time/clock.ts';
import type { RendererProps } from './panel.tsx';

/** Most series drawn in one panel. */
const mostDrawn = 300;

export function TimeSeriesPanel({ panel, data, width, height, title }: RendererProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState<string | undefined>();
  const isDark = dark.value;
  const series = useMemo(() => linesOf(panel, data.series.slice(0, mostDrawn), hidden, isDark), [panel, data, hidden, isDark]);
  const xs = useMemo(() => gridTimes(data.grid), [data.grid.start, data.grid.end, data.grid.step]);
  const legend = object(panel.options['legend']);
  const calcs = useMemo(() => list(legend['calcs']).map((calc) => text(calc)), [panel]);
  const table = legend['displayMode'] === 'table';
  const shown = flag(legend['showLegend'], true) && legend['displayMode'] !== 'hidden' && height > 110;
  const right = legend['placement'] === 'right' && width > 480;
  const custom = object(panel.defaults['custom']);
  const style = text(at(custom, 'thresholdsStyle', 'mode'), 'off');

  const rows = series.length;
  const room = table ? 24 + rows * 22 : rows === 1 ? 22 : Math.ceil(series.reduce((sum, one) => sum + one.name.length * 6.4 + 60 + calcs.length * 80, 0) / Math.max(1, width - 12)) * 21 + 2;
  const legendHeight = !shown || right ? 0 : Math.min(room, Math.max(44, Math.floor(height * 0.4)));
  const legendWidth = shown && right ? number(legend['width']) ?? Math.min(340, Math.floor(width * 0.36)) : 0;
  const nothing = useMemo(() => data.series.every((one) => one.values.every((value) => value === null)), [data]);
  const more = data.series.length > mostDrawn ? `${mostDrawn} of ${data.series.length} series are drawn` : undefined;
  return (
    <div class={`time-series ${right ? 'beside' : ''}`} style={{ height: `${height}px` }}>
      {nothing ? <p class="no-values dim" role="status">No value in this range: the series are NaN, as a summary is while nothing is observed</p> : null}
      <Chart
        xs={xs} series={series} start={span.value.start} end={span.value.end} height={height - legendHeight - 6} label={`${title}: graph of ${data.series.length} series`}
        min={number(panel.defaults['min'])} max={number(panel.defaults['max'])} softMin={number(custom['axisSoftMin'])} softMax={number(custom['axisSoftMax'])}
        axisLabel={text(custom['axisLabel'])} thresholds={style === 'off' ? undefined : { style, steps: thresholdsOf(panel.defaults) }} focus={focus}
      />
      {shown ? (
        <div class="legend-box" tabIndex={room > legendHeight && legendHeight > 0 ? 0 : undefined} style={right ? { width: `${legendWidth}px`, maxHeight: `${height - 6}px` } : { height: `${legendHeight}px` }}>
          <Legend
            series={series} calcs={calcs} mode={table ? 'table' : 'list'} sortBy={text(legend['sortBy'])} sortDescending={flag(legend['sortDesc'], true)}
            onFocus={setFocus} onToggle={(key, add) => setHidden((old) => toggled(old, series.map((one) => one.key), key, add))} limit={120}
          />
          {more ? <p class="dim">{more}</p> : null}
        </div>
      ) : null}
    </div>
  );
}
