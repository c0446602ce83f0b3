// One panel: its frame, its state while there is nothing to draw, and the renderer of its kind.
import { useLayoutEffect, useState } from 'preact/hooks';
import { href, query, setQuery } from '../../app/router.ts';
import { forText, interpolate, type Bindings } from '../../grafana/interpolate.ts';
import type { Panel } from '../../grafana/model.ts';
import type { PanelData } from '../../grafana/run.ts';
import { errorText } from '../../api/client.ts';
import { Icon } from '../../parts/icons.tsx';
import { usePanelData, useReason, useVisible } from './panel-data.ts';
import { BarGaugePanel, GaugePanel, StatPanel } from './numbers.tsx';
import { HeatmapPanel } from './heatmap.tsx';
import { TablePanel } from './table-panel.tsx';
import { TextPanel } from './text-panel.tsx';
import { TimeSeriesPanel } from './time-series.tsx';

export interface RendererProps {
  panel: Panel;
  data: PanelData;
  bindings: Bindings;
  width: number;
  height: number;
  title: string;
}

const renderers = {
  timeseries: TimeSeriesPanel, stat: StatPanel, gauge: GaugePanel, bargauge: BarGaugePanel, table: TablePanel, heatmap: HeatmapPanel,
} as const;

export interface PanelViewProps {
  panel: Panel;
  bindings: Bindings;
  choice: string;
  scrapeInterval: number;
  /** Pixels of the whole panel. */
  height: number;
  /** Heading level is below the row's. */
  full: boolean;
}

const headHeight = 28;

function Nothing({ data, height }: { data: PanelData; height: number }) {
  const reason = useReason(data, true);
  return (
    // Unseen until the reason is known: its length moves the lines, which are centred.
    <div class="nothing" role="status" title={reason} style={{ height: `${height}px`, visibility: reason === undefined ? 'hidden' : 'visible' }}>
      <p><span class="mark off" aria-hidden="true">○</span> <b>No data</b></p>
      {height < 90 ? <p class="sr">{reason}</p> : <p class="dim">{reason}</p>}
    </div>
  );
}

export function PanelView({ panel, bindings, choice, scrapeInterval, height, full }: PanelViewProps) {
  const [box, visible] = useVisible();
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver((entries) => setWidth(Math.floor(entries[0]!.contentRect.width)));
    observer.observe(box.current!);
    setWidth(Math.floor(box.current!.clientWidth));
    return () => observer.disconnect();
  }, []);
  const { data, error, loading } = usePanelData({ panel, bindings, choice, width, visible, scrapeInterval });
  const title = interpolate(panel.title, bindings, forText);
  const id = `panel-${panel.id}`;
  const body = height - headHeight;
  const exprs = data?.exprs.map(({ expr }) => expr) ?? panel.targets.map(({ expr }) => expr);
  const empty = data !== undefined && data.series.length === 0;
  const Renderer = panel.kind === 'unsupported' || panel.kind === 'text' ? undefined : renderers[panel.kind];
  return (
    <section class={`panel dash-panel ${loading && data ? 'refreshing' : ''}`} aria-labelledby={id} ref={box} style={{ height: `${height}px` }}>
      <header>
        <h3 id={id} class="cut" title={panel.description === '' ? title : `${title}\n\n${panel.description}`}>{title || ' '}</h3>
        {data && data.errors.length > 0 && !empty ? <span class="mark bad" title={data.errors.join('\n')}>✕<span class="sr">{data.errors.join('; ')}</span></span> : null}
        <span class="actions">
          {exprs.length > 0 ? (
            <a class="icon-button" href={href('/graph', Object.fromEntries(exprs.map((expr, i) => [`g${i}.expr`, expr])))} title="Open in Explore" aria-label={`Open ${title} in Explore`}><Icon name="explore" /></a>
          ) : null}
          {panel.kind === 'text' ? null : (
            <button
              type="button" class="plain icon-button" title={full ? 'Back to the dashboard' : 'Only this panel'} aria-label={full ? 'Back to the dashboard' : `Show only ${title}`}
              onClick={() => setQuery({ viewPanel: full || query.value.get('viewPanel') ? undefined : String(panel.id) })}
            >
              <Icon name={full ? 'close' : 'expand'} />
            </button>
          )}
        </span>
      </header>
      {panel.kind === 'text' ? <TextPanel panel={panel} bindings={bindings} height={body} /> : null}
      {panel.kind === 'unsupported' ? <div class="nothing" style={{ height: `${body}px` }}><p><b>Not drawn</b></p><p class="dim">{panel.problem}</p></div> : null}
      {Renderer === undefined ? null : panel.targets.length === 0 ? (
        <div class="nothing" style={{ height: `${body}px` }}><p><b>No query</b></p><p class="dim">This panel asks nothing of a metrics source.</p></div>
      ) : error && !data ? (
        <div class="nothing" role="alert" style={{ height: `${body}px` }}><p><span class="mark bad" aria-hidden="true">✕</span> <b>Failed</b></p><p class="mono">{errorText(error)}</p></div>
      ) : !data || width === 0 ? (
        <div class="panel-space" style={{ height: `${body}px` }} role="status" aria-label={`${title} is loading`} />
      ) : empty && data.errors.length > 0 ? (
        <div class="nothing" role="alert" style={{ height: `${body}px` }}><p><span class="mark bad" aria-hidden="true">✕</span> <b>Failed</b></p>{data.errors.map((one) => <p key={one} class="mono">{one}</p>)}</div>
      ) : empty ? (
        <Nothing data={data} height={body} />
      ) : (
        <Renderer panel={panel} data={data} bindings={bindings} width={width} height={body} title={title} />
      )}
    </section>
  );
}
