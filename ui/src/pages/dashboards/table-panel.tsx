// The table panel: frames joined and renamed by the panel's transformations.
import { useMemo, useState } from 'preact/hooks';
import { href } from '../../app/router.ts';
import { dark } from '../../app/settings.ts';
import { reduce } from '../../chart/frame.ts';
import { namedColor } from '../../chart/palette.ts';
import { formatValue } from '../../format/units.ts';
import { at, displayName, fieldOptions, flag, list, mapped, number, object, text, thresholdColor, thresholdsOf, type Json } from '../../grafana/field.ts';
import { allKey } from '../../grafana/interpolate.ts';
import { framesOf, sortFrame, transform, type Cell, type Column } from '../../grafana/table.ts';
import type { PanelRow } from '../../grafana/run.ts';
import { times } from '../../time/clock.ts';
import type { RendererProps } from './panel.tsx';

const mostRows = 300;

/** A cell as text: mapped, with its unit, times in the chosen zone. */
function cellText(cell: Cell, column: Column, options: Json): string {
  const mapping = mapped(options, typeof cell === 'number' ? cell : undefined, typeof cell === 'string' ? cell : undefined);
  if (mapping?.text !== undefined) return mapping.text;
  if (cell === undefined) return text(options['noValue']);
  if (column.type === 'time') return times.value.full(Number(cell));
  return typeof cell === 'number' ? formatValue(cell, text(options['unit']) || 'short', number(options['decimals'])) : cell;
}

/** Address of a data link inside the UI; undefined for one that leads elsewhere. */
function linkOf(options: Json, row: Record<string, Cell>, cell: Cell, bindings: RendererProps['bindings']): string | undefined {
  const url = text(object(list(options['links'])[0])['url']);
  const inner = /^\/?d\/([^?]+)(?:\?(.*))?$/.exec(url);
  if (!inner) return undefined;
  const filled = (inner[2] ?? '')
    .replace(/\$\{__data\.fields\.(?:"([^"]+)"|([^}]+))\}/g, (_, quoted?: string, plain?: string) => encodeURIComponent(String(row[quoted ?? plain ?? ''] ?? '')))
    .replace(/\$\{__value\.\w+\}/g, encodeURIComponent(String(cell ?? '')))
    .replace(/\$\{?(\w+)(?::queryparam)?\}?/g, (whole, name: string) => {
      const bound = bindings.get(name);
      return bound ? encodeURIComponent(bound.values[0] === allKey ? 'All' : (bound.values[0] ?? '')) : whole;
    });
  const params = new URLSearchParams(filled);
  return href(`/d/${inner[1]}`, Object.fromEntries([...params.keys()].map((key) => [key, params.getAll(key)])));
}

export function TablePanel({ panel, data, bindings, height }: RendererProps) {
  const [sort, setSort] = useState<{ name: string; down: boolean } | undefined>(() => {
    const saved = object(list(panel.options['sortBy'])[0]);
    return text(saved['displayName']) === '' ? undefined : { name: text(saved['displayName']), down: flag(saved['desc']) };
  });
  const frame = useMemo(() => {
    const rows: PanelRow[] = data.rows.length > 0 ? data.rows : data.series.flatMap(({ refId, labels, values }) => {
      const value = reduce(values, 'lastNotNull');
      return value === undefined ? [] : [{ refId, labels, time: data.grid.end, value }];
    });
    const refIds = [...new Set(data.exprs.map(({ refId }) => refId))];
    const frames = transform(framesOf(rows, refIds), panel.transformations);
    // Frames that nothing joined stand below each other under shared names.
    return transform(frames, frames.length > 1 ? [{ id: 'merge', options: {} }] : [])[0];
  }, [panel, data]);
  if (!frame) return null;
  const columns = frame.columns.map((column) => {
    const options = fieldOptions(panel, { name: column.name, refId: column.refId, type: column.type });
    return { column, options, title: displayName(options, column.name) };
  }).filter(({ options }) => !flag(at(options, 'custom', 'hidden')) && !flag(at(options, 'custom', 'hideFrom', 'viz')));
  const by = sort ? columns.find(({ title }) => title === sort.name)?.column.name : undefined;
  const sorted = by === undefined ? frame : sortFrame(frame, by, sort!.down);
  const cellsOf = new Map(sorted.columns.map((column) => [column.name, column.cells]));
  const count = Math.min(mostRows, sorted.columns[0]?.cells.length ?? 0);
  return (
    <div class="table-box" style={{ height: `${height}px` }} tabIndex={0} role="group" aria-label="Table, scrolls">
      <table>
        <thead>
          <tr>
            {columns.map(({ column, title }) => (
              <th key={column.name} scope="col" class={column.type === 'number' ? 'num' : ''} aria-sort={sort?.name === title ? (sort.down ? 'descending' : 'ascending') : 'none'}>
                <button type="button" class="plain small" onClick={() => setSort({ name: title, down: sort?.name === title ? !sort.down : column.type === 'number' })}>
                  {title}{sort?.name === title ? (sort.down ? ' ↓' : ' ↑') : ''}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: count }, (_, i) => (
            <tr key={i}>
              {columns.map(({ column, options }) => {
                const cell = cellsOf.get(column.name)?.[i];
                const look = text(at(options, 'custom', 'cellOptions', 'type')) || text(at(options, 'custom', 'displayMode'));
                const mapping = mapped(options, typeof cell === 'number' ? cell : undefined, typeof cell === 'string' ? cell : undefined);
                const color = look.startsWith('color') && typeof cell === 'number' ? (mapping?.color ?? thresholdColor(thresholdsOf(options), cell)) : mapping?.color;
                const row = Object.fromEntries(sorted.columns.map((one) => [one.name, one.cells[i]]));
                const link = linkOf(options, row, cell, bindings);
                const shown = cellText(cell, column, options);
                return (
                  <td key={column.name} class={column.type === 'number' ? 'num' : ''} style={color ? { color: namedColor(color, dark.value), fontWeight: 600 } : {}}>
                    {link ? <a href={link}>{shown}</a> : shown}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {(sorted.columns[0]?.cells.length ?? 0) > mostRows ? <p class="dim inset">The first {mostRows} of {sorted.columns[0]!.cells.length} rows</p> : null}
    </div>
  );
}
