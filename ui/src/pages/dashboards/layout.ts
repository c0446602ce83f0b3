// Where the panels of a row stand: Grafana's grid of 24 columns, with repeated panels laid out.
import { chosen, fixed, type Bindings } from '../../grafana/interpolate.ts';
import type { Panel, Row } from '../../grafana/model.ts';

export interface Placed {
  panel: Panel;
  bindings: Bindings;
  key: string;
  x: number;
  /** Grid rows from the top of the row's panels. */
  y: number;
  w: number;
  h: number;
}

/** Grid rows that are empty below a row's header are kept out. */
export function place(row: Row, bindings: Bindings): Placed[] {
  const placed: Placed[] = [];
  let pushed = 0;
  let pushedFrom = Infinity;
  const sorted = [...row.panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);
  for (const panel of sorted) {
    const { x, y, w, h } = panel.grid;
    const top = y - row.top + (y >= pushedFrom ? pushed : 0);
    const bound = panel.repeat === '' ? undefined : bindings.get(panel.repeat);
    const values = bound ? chosen(bound) : [];
    if (!bound || values.length === 0) {
      placed.push({ panel, bindings, key: String(panel.id), x, y: top, w, h });
      continue;
    }
    const across = panel.repeatDirection === 'v' ? 1 : Math.min(values.length, panel.maxPerRow);
    const width = panel.repeatDirection === 'v' ? w : Math.floor(24 / across);
    values.forEach((value, i) => {
      const scoped = new Map(bindings);
      scoped.set(panel.repeat, { ...fixed(panel.repeat, value), multiple: bound.multiple });
      placed.push({ panel, bindings: scoped, key: `${panel.id} ${value}`, x: panel.repeatDirection === 'v' ? x : (i % across) * width, y: top + Math.floor(i / across) * h, w: width, h });
    });
    pushed += (Math.ceil(values.length / across) - 1) * h;
    pushedFrom = Math.min(pushedFrom, y + h);
  }
  return placed;
}

/** Height of one grid row and the gap between two, in pixels. */
export const unit = 30;
export const gap = 8;

/** Pixels of a panel that is `h` grid rows high. */
export const pixels = (h: number): number => h * unit + (h - 1) * gap;
