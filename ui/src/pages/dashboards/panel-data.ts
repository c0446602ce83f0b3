// The data of a panel: asked for when the panel is first seen, and again with every refresh while it is in view.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useResource, type Resource } from '../../api/resource.ts';
import type { Bindings } from '../../grafana/interpolate.ts';
import type { Panel } from '../../grafana/model.ts';
import { runPanel, whyEmpty, type PanelData } from '../../grafana/run.ts';
import { now, range, span } from '../../time/clock.ts';

/** Whether an element is, or nearly is, in view. */
export function useVisible(): [{ current: HTMLDivElement | null }, boolean] {
  const box = useRef<HTMLDivElement>(null);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setVisible(entries.some((entry) => entry.isIntersecting)), { rootMargin: '150px' });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return [box, visible];
}

export interface PanelInput {
  panel: Panel;
  bindings: Bindings;
  /** Changes with every other choice of a variable. */
  choice: string;
  width: number;
  visible: boolean;
  scrapeInterval: number;
}

export function usePanelData({ panel, bindings, choice, width, visible, scrapeInterval }: PanelInput): Resource<PanelData> {
  const { start, end } = span.value;
  const tick = `${now.value} ${start} ${end} ${choice} ${scrapeInterval} ${width}`;
  const asked = useRef('');
  if (visible && width > 0) asked.current = tick;
  const key = asked.current;
  return useResource(`${range.value.from} ${range.value.to} ${choice}`, key, (signal) =>
    key === '' || panel.targets.length === 0
      ? new Promise<PanelData>(() => undefined)
      : runPanel(panel, { bindings, start, end, width, scrapeInterval }, signal),
  );
}

/** Says why the panel's expressions have no result; asks only while `empty`. */
export function useReason(data: PanelData | undefined, empty: boolean): string | undefined {
  const exprs = useMemo(() => (empty ? [...new Set(data?.exprs.map(({ expr }) => expr) ?? [])].slice(0, 2) : []), [empty, data]);
  const key = exprs.join('\n');
  const { start, end } = span.value;
  const reason = useResource(key, key, (signal) => (key === '' ? Promise.resolve([]) : Promise.all(exprs.map((expr) => whyEmpty(expr, start, end, signal)))));
  if (reason.data === undefined && reason.error === undefined && key !== '') return undefined;
  return [...new Set(reason.data ?? [])].join('. ');
}
