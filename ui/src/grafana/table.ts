// Tables: instant answers as frames, and the transformations that join and rename them.
import { natural } from '../format/natural.ts';
import { flag, list, number, object, text, type Json } from './json.ts';
import type { PanelRow } from './run.ts';

export type Cell = string | number | undefined;

export interface Column {
  name: string;
  /** Query it came from. */
  refId: string;
  type: 'time' | 'string' | 'number';
  cells: Cell[];
}

export interface Frame {
  refId: string;
  columns: Column[];
}

/** One frame a query: Time, each label, and the value, named `Value #A` when there are several queries. */
export function framesOf(rows: PanelRow[], refIds: string[]): Frame[] {
  return refIds.map((refId) => {
    const own = rows.filter((row) => row.refId === refId);
    const names = [...new Set(own.flatMap((row) => Object.keys(row.labels)))].sort();
    return {
      refId,
      columns: [
        { name: 'Time', refId, type: 'time' as const, cells: own.map((row) => row.time) },
        ...names.map((name) => ({ name, refId, type: 'string' as const, cells: own.map((row) => row.labels[name]) })),
        { name: refIds.length > 1 ? `Value #${refId}` : 'Value', refId, type: 'number' as const, cells: own.map((row) => row.value) },
      ],
    };
  });
}

const height = (frame: Frame) => frame.columns[0]?.cells.length ?? 0;

/** Joins frames on a column; names that occur again get a number behind them, as in Grafana. */
function joinBy(frames: Frame[], by: string): Frame[] {
  const joinable = frames.filter((frame) => frame.columns.some((column) => column.name === by) && height(frame) > 0);
  if (joinable.length < 2) return joinable.length === 1 ? joinable : frames.slice(0, 1);
  const keys: Cell[] = [];
  const place = new Map<Cell, number>();
  for (const frame of joinable) {
    for (const key of frame.columns.find((column) => column.name === by)!.cells) {
      if (place.has(key)) continue;
      place.set(key, keys.length);
      keys.push(key);
    }
  }
  const first = joinable[0]!.columns.find((column) => column.name === by)!;
  const columns: Column[] = [{ ...first, cells: keys }];
  const counts = new Map<string, number>();
  for (const frame of joinable) for (const { name } of frame.columns) counts.set(name, (counts.get(name) ?? 0) + 1);
  const used = new Map<string, number>();
  for (const frame of joinable) {
    const keyCells = frame.columns.find((column) => column.name === by)!.cells;
    for (const column of frame.columns) {
      if (column.name === by) continue;
      const cells: Cell[] = new Array<Cell>(keys.length).fill(undefined);
      keyCells.forEach((key, i) => (cells[place.get(key)!] = column.cells[i]));
      let name = column.name;
      if ((counts.get(name) ?? 0) > 1) {
        const turn = (used.get(name) ?? 0) + 1;
        used.set(name, turn);
        name = `${name} ${turn}`;
      }
      columns.push({ ...column, name, cells });
    }
  }
  return [{ refId: 'joined', columns }];
}

/** Rows of all frames below each other; rows that agree in all shared text columns become one. */
function merge(frames: Frame[]): Frame[] {
  const filled = frames.filter((frame) => height(frame) > 0);
  if (filled.length < 2) return filled.length === 1 ? filled : frames.slice(0, 1);
  const columns: Column[] = [];
  for (const frame of filled) for (const column of frame.columns) if (!columns.some((one) => one.name === column.name)) columns.push({ ...column, cells: [] });
  const shared = columns.filter((column) => column.type === 'string' && filled.every((frame) => frame.columns.some((one) => one.name === column.name))).map((column) => column.name);
  const place = new Map<string, number>();
  let rows = 0;
  for (const frame of filled) {
    for (let i = 0; i < height(frame); i++) {
      const key = shared.length === 0 ? `${frame.refId} ${i}` : JSON.stringify(shared.map((name) => frame.columns.find((one) => one.name === name)!.cells[i]));
      let at = place.get(key);
      if (at === undefined) place.set(key, (at = rows++));
      for (const column of frame.columns) columns.find((one) => one.name === column.name)!.cells[at] = column.cells[i];
    }
  }
  for (const column of columns) column.cells = Array.from({ length: rows }, (_, i) => column.cells[i]);
  return [{ refId: 'merged', columns }];
}

function organize(frame: Frame, options: Json): Frame {
  const excluded = object(options['excludeByName']);
  const renamed = object(options['renameByName']);
  const order = object(options['indexByName']);
  const included = object(options['includeByName']);
  const kept = frame.columns.filter((column) => !flag(excluded[column.name]) && (Object.keys(included).length === 0 || included[column.name] !== false));
  const place = (column: Column, i: number) => number(order[column.name]) ?? 1000 + i;
  return {
    ...frame,
    columns: kept
      .map((column, i) => ({ column, at: place(column, i) }))
      .sort((a, b) => a.at - b.at)
      .map(({ column }) => ({ ...column, name: text(renamed[column.name]) || column.name })),
  };
}

/** Compares cells: numbers as numbers, everything else as text, nothing last. */
export function compareCells(a: Cell, b: Cell): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return natural(String(a), String(b));
}

/** The frame with its rows ordered by a column. */
export function sortFrame(frame: Frame, name: string, descending: boolean): Frame {
  const column = frame.columns.find((one) => one.name === name);
  if (!column) return frame;
  const order = column.cells.map((_, i) => i).sort((a, b) => {
    const [x, y] = [column.cells[a], column.cells[b]];
    if (x === undefined || y === undefined) return compareCells(x, y);
    return (descending ? -1 : 1) * compareCells(x, y);
  });
  return { ...frame, columns: frame.columns.map((one) => ({ ...one, cells: order.map((i) => one.cells[i]) })) };
}

function calculate(frame: Frame, options: Json): Frame {
  const binary = object(options['binary']);
  if (text(options['mode']) !== 'binary') return frame;
  const side = (value: unknown): ((i: number) => number | undefined) => {
    const name = typeof value === 'string' ? value : text(object(object(value)['matcher'])['options']);
    const column = frame.columns.find((one) => one.name === name);
    if (column) return (i) => (typeof column.cells[i] === 'number' ? column.cells[i] : undefined);
    const constant = number(typeof value === 'object' ? object(value)['fixed'] : value);
    return () => constant;
  };
  const [left, right] = [side(binary['left']), side(binary['right'])];
  const operators: Record<string, (a: number, b: number) => number> = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b };
  const apply = operators[text(binary['operator'], '+')];
  const cells = Array.from({ length: height(frame) }, (_, i) => {
    const [a, b] = [left(i), right(i)];
    return apply && a !== undefined && b !== undefined ? apply(a, b) : undefined;
  });
  const column: Column = { name: text(options['alias']) || `${text(binary['left'])} ${text(binary['operator'])} ${text(binary['right'])}`, refId: frame.refId, type: 'number', cells };
  return { ...frame, columns: flag(options['replaceFields']) ? [column] : [...frame.columns, column] };
}

function filterByName(frame: Frame, options: Json): Frame {
  const include = object(options['include']);
  const names = list(include['names']).map((name) => text(name));
  const pattern = text(include['pattern']);
  if (names.length === 0 && pattern === '') return frame;
  const expression = /^\/(.*)\/$/.exec(pattern)?.[1] ?? pattern;
  return { ...frame, columns: frame.columns.filter((column) => names.includes(column.name) || (expression !== '' && new RegExp(expression).test(column.name))) };
}

/** Applies the panel's transformations in order; those that are not known leave the frames as they are (noted on import). */
export function transform(frames: Frame[], steps: { id: string; options: Json }[]): Frame[] {
  return steps.reduce<Frame[]>((current, { id, options }) => {
    switch (id) {
      case 'joinByField': case 'seriesToColumns': return joinBy(current, text(options['byField'], 'Time'));
      case 'merge': return merge(current);
      case 'organize': return current.map((frame) => organize(frame, options));
      case 'calculateField': return current.map((frame) => calculate(frame, options));
      case 'filterFieldsByName': return current.map((frame) => filterByName(frame, options));
      case 'sortBy': {
        const by = object(list(options['sort'])[0]);
        return current.map((frame) => sortFrame(frame, text(by['field']), flag(by['desc'])));
      }
      default: return current;
    }
  }, frames);
}
