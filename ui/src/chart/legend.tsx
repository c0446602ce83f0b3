// The legend: names, calculations, and which series are drawn.
import { useMemo, useState } from 'preact/hooks';
import { natural } from '../format/natural.ts';
import { formatValue } from '../format/units.ts';
import { reduce } from './frame.ts';
import type { LineSeries } from './line.tsx';

/** Sign of a series: its colour, striped when its line is dashed. */
export function Swatch({ color, dashed }: { color: string; dashed: boolean }) {
  return <span class="swatch" style={{ background: dashed ? `repeating-linear-gradient(90deg, ${color} 0 3px, transparent 3px 5px)` : color }} />;
}

export interface LegendProps {
  series: LineSeries[];
  /** Calculations in the order of the columns. */
  calcs: string[];
  mode: 'list' | 'table';
  /** Column to sort by, by its calculation or `name`. */
  sortBy?: string | undefined;
  sortDescending?: boolean | undefined;
  onFocus: (key: string | undefined) => void;
  /** Shows only this series; with `add` it is switched alone. */
  onToggle: (key: string, add: boolean) => void;
  /** Most rows in the page until the reader asks for all. */
  limit?: number;
}

const titles: Record<string, string> = {
  last: 'Last *', lastNotNull: 'Last', first: 'First *', firstNotNull: 'First', min: 'Min', max: 'Max', mean: 'Mean', sum: 'Total', count: 'Count', range: 'Range', delta: 'Delta', diff: 'Difference', stdDev: 'StdDev',
};

/** Grafana names the sort column by its heading. */
function calcOfHeading(heading: string | undefined): string | undefined {
  if (heading === undefined || heading === '') return undefined;
  if (heading === 'Name') return 'name';
  if (heading === 'Last *') return 'lastNotNull';
  return Object.keys(titles).find((calc) => titles[calc] === heading || calc === heading);
}

export function Legend({ series, calcs, mode, sortBy, sortDescending, onFocus, onToggle, limit = 100 }: LegendProps) {
  const [sort, setSort] = useState<{ by: string; down: boolean } | undefined>(() => {
    const by = calcOfHeading(sortBy);
    return by === undefined ? undefined : { by, down: sortDescending ?? true };
  });
  const rows = useMemo(() => {
    const reduced = series.map((one) => ({ one, numbers: calcs.map((calc) => reduce(one.values, calc)) }));
    if (!sort) return reduced;
    const at = calcs.indexOf(sort.by);
    const sign = sort.down ? -1 : 1;
    return reduced.sort((a, b) => {
      if (at < 0) return sign * natural(a.one.name, b.one.name);
      return sign * ((a.numbers[at] ?? -Infinity) - (b.numbers[at] ?? -Infinity));
    });
  }, [series, calcs, sort]);
  const [whole, setWhole] = useState(false);
  const shown = whole ? rows : rows.slice(0, limit);
  const name = (one: LineSeries) => (
    <button
      type="button"
      class={`series-name ${one.hidden ? 'gone' : ''}`}
      aria-pressed={!one.hidden}
      title={`${one.name}\nClick: only this one. Ctrl-click: on or off.`}
      onClick={(event) => onToggle(one.key, event.ctrlKey || event.metaKey)}
      onMouseEnter={() => onFocus(one.key)}
      onMouseLeave={() => onFocus(undefined)}
    >
      <Swatch color={one.color} dashed={one.dash.length > 0} />
      <span class="cut">{one.name}</span>
    </button>
  );
  const more = rows.length > shown.length ? <p class="dim inset"><button type="button" class="small" onClick={() => setWhole(true)}>Show {rows.length - shown.length} more series</button></p> : null;
  if (mode === 'list' || calcs.length === 0) {
    return (
      <div class="legend list">
        {shown.map(({ one, numbers }) => (
          <span key={one.key} class="item">
            {name(one)}
            {numbers.map((value, i) => <span key={calcs[i]} class="dim">{titles[calcs[i]!] ?? calcs[i]}: {value === undefined ? '–' : formatValue(value, one.unit, one.decimals)}</span>)}
          </span>
        ))}
        {more}
      </div>
    );
  }
  const head = (by: string, title: string, numeric: boolean) => (
    <th scope="col" class={numeric ? 'num' : ''} aria-sort={sort?.by === by ? (sort.down ? 'descending' : 'ascending') : 'none'}>
      <button type="button" class="plain small" onClick={() => setSort({ by, down: sort?.by === by ? !sort.down : numeric })}>
        {title}{sort?.by === by ? (sort.down ? ' ↓' : ' ↑') : ''}
      </button>
    </th>
  );
  return (
    <div class={`legend table ${shown.length >= 50 ? 'long' : ''}`}>
      <table>
        <thead><tr>{head('name', 'Name', false)}{calcs.map((calc) => head(calc, titles[calc] ?? calc, true))}</tr></thead>
        <tbody>
          {shown.map(({ one, numbers }) => (
            <tr key={one.key}>
              <td class="name-cell">{name(one)}</td>
              {numbers.map((value, i) => <td key={calcs[i]} class="num">{value === undefined ? '–' : formatValue(value, one.unit, one.decimals)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {more}
    </div>
  );
}

/** Series drawn after a click on a legend entry: only that one, all again, or one more or less. */
export function toggled(hidden: ReadonlySet<string>, keys: string[], key: string, add: boolean): Set<string> {
  if (add) {
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    return next;
  }
  const only = keys.every((one) => (one === key ? !hidden.has(one) : hidden.has(one)));
  return only ? new Set() : new Set(keys.filter((one) => one !== key));
}
