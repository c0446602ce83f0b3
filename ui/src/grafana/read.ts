// Reads Grafana's dashboard JSON. Anything that is not taken over exactly is noted; nothing is dropped in silence.
import { at, flag, list, number, object, text, type Json } from './json.ts';
import { fromGraph, fromSinglestat } from './legacy.ts';
import type { Dashboard, Note, Override, Panel, PanelKind, PanelTarget, Row, Variable, VariableKind } from './model.ts';

const kinds: PanelKind[] = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'heatmap'];
const variableKinds: VariableKind[] = ['query', 'custom', 'constant', 'datasource', 'interval', 'textbox', 'adhoc'];
const knownTransformations = ['organize', 'joinByField', 'seriesToColumns', 'merge', 'sortBy', 'filterFieldsByName', 'calculateField', 'labelsToFields', 'reduce'];

function readTarget(raw: Json, index: number): PanelTarget | undefined {
  const expr = text(raw['expr']).trim();
  if (expr === '' || flag(raw['hide'])) return undefined;
  const format = text(raw['format'], 'time_series');
  const instant = flag(raw['instant']);
  return {
    refId: text(raw['refId'], String.fromCharCode(65 + index)),
    expr,
    legend: typeof raw['legendFormat'] === 'string' ? raw['legendFormat'] : undefined,
    instant,
    range: flag(raw['range'], !instant),
    format: format === 'table' || format === 'heatmap' ? format : 'time_series',
    interval: text(raw['interval']) || text(raw['step']),
    factor: Math.max(1, number(raw['intervalFactor']) ?? 1),
  };
}

function readOverride(raw: unknown): Override {
  const matcher = object(object(raw)['matcher']);
  return {
    matcher: { id: text(matcher['id']), options: matcher['options'] },
    properties: list(object(raw)['properties']).map((property) => ({ id: text(object(property)['id']), value: object(property)['value'] })),
  };
}

/** Type of a data source when it is surely not a metrics one. */
function foreignSource(raw: Json): string | undefined {
  const sources = [raw, ...list(raw['targets']).map(object)].map((one) => text(at(one, 'datasource', 'type')));
  return sources.find((type) => type !== '' && !/prometheus|mixed|datasource|grafana|^\$/.test(type));
}

function readPanel(source: Json, notes: Note[]): Panel {
  const type = text(source['type']);
  const raw = type === 'graph' ? fromGraph(source) : type === 'singlestat' ? fromSinglestat(source) : source;
  const title = text(raw['title']);
  const about = title || `panel ${text(raw['id'])}`;
  if (raw !== source) notes.push({ about, severity: 'approximated', text: `drawn by the successor of the old panel type ${type}` });
  let kind: PanelKind = kinds.find((one) => one === raw['type']) ?? 'unsupported';
  let problem = '';
  const foreign = foreignSource(raw);
  if (kind === 'unsupported') problem = `Panels of type ${type || '(none)'} are not supported`;
  else if (foreign !== undefined && kind !== 'text') {
    kind = 'unsupported';
    problem = `Its data source ${foreign} is not a source of metrics`;
  }
  if (problem !== '') notes.push({ about, severity: 'unsupported', text: problem });
  const transformations = list(raw['transformations']).map(object).filter((one) => !flag(one['disabled'])).map((one) => ({ id: text(one['id']), options: object(one['options']) }));
  for (const { id } of transformations) if (!knownTransformations.includes(id)) notes.push({ about, severity: 'approximated', text: `transformation ${id} is left out` });
  const grid = object(raw['gridPos']);
  return {
    id: number(raw['id']) ?? 0,
    kind,
    title,
    description: text(raw['description']),
    grid: { x: number(grid['x']) ?? 0, y: number(grid['y']) ?? 0, w: Math.min(24, Math.max(1, number(grid['w']) ?? 12)), h: Math.max(1, number(grid['h']) ?? 8) },
    targets: list(raw['targets']).flatMap((target, i) => readTarget(object(target), i) ?? []),
    defaults: object(at(raw, 'fieldConfig', 'defaults')),
    overrides: list(at(raw, 'fieldConfig', 'overrides')).map(readOverride),
    options: object(raw['options']),
    transformations,
    interval: text(raw['interval']),
    maxPoints: number(raw['maxDataPoints']),
    repeat: text(raw['repeat']),
    repeatDirection: raw['repeatDirection'] === 'v' ? 'v' : 'h',
    maxPerRow: number(raw['maxPerRow']) ?? 4,
    problem,
  };
}

/** Rows hold the panels that stand below them until the next row. */
function readRows(panels: Json[], notes: Note[]): Row[] {
  const sorted = [...panels].sort((a, b) => (number(at(a, 'gridPos', 'y')) ?? 0) - (number(at(b, 'gridPos', 'y')) ?? 0) || (number(at(a, 'gridPos', 'x')) ?? 0) - (number(at(b, 'gridPos', 'x')) ?? 0));
  const rows: Row[] = [{ title: '', collapsed: false, top: 0, panels: [], repeat: '' }];
  for (const raw of sorted) {
    if (raw['type'] === 'row') {
      const nested = list(raw['panels']).map((panel) => readPanel(object(panel), notes));
      rows.push({ title: text(raw['title']), collapsed: flag(raw['collapsed']), top: (number(at(raw, 'gridPos', 'y')) ?? 0) + 1, panels: nested, repeat: text(raw['repeat']) });
    } else rows.at(-1)!.panels.push(readPanel(raw, notes));
  }
  for (const row of rows) row.top = row.panels.reduce((min, panel) => Math.min(min, panel.grid.y), Infinity);
  return rows.filter((row) => row.title !== '' || row.panels.length > 0);
}

/** Dashboards of old (schema 14 and before) have rows of panels with spans instead of a grid. */
function fromSpans(rows: unknown[]): Json[] {
  const panels: Json[] = [];
  let y = 0;
  for (const raw of rows.map(object)) {
    const height = Math.max(4, Math.round((Number.parseInt(text(raw['height'], '250px'), 10) || 250) / 38));
    panels.push({ type: 'row', title: text(raw['title']), collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 } });
    y += 1;
    let x = 0;
    for (const panel of list(raw['panels']).map(object)) {
      const w = Math.min(24, (number(panel['span']) ?? 4) * 2);
      if (x + w > 24) {
        x = 0;
        y += height;
      }
      panels.push({ ...panel, gridPos: { x, y, w, h: height } });
      x += w;
    }
    y += height;
  }
  return panels;
}

function readVariable(raw: Json, notes: Note[]): Variable | undefined {
  const type = text(raw['type']);
  const name = text(raw['name']);
  const kind = variableKinds.find((one) => one === type);
  if (!kind || kind === 'adhoc') {
    notes.push({ about: `variable ${name}`, severity: 'unsupported', text: `variables of type ${type} are not supported` });
    return undefined;
  }
  const query = raw['query'];
  const current = at(raw, 'current', 'value');
  const saved = (Array.isArray(current) ? current : [current]).map((one) => text(one)).filter((one) => one !== '');
  return {
    name, kind,
    label: text(raw['label']) || name,
    definition: typeof query === 'string' ? query : text(at(query, 'query')) || text(raw['definition']),
    regex: text(raw['regex']),
    sort: number(raw['sort']) ?? 0,
    multi: flag(raw['multi']),
    includeAll: flag(raw['includeAll']),
    allValue: text(raw['allValue']),
    hidden: number(raw['hide']) === 2 || kind === 'constant',
    saved,
  };
}

/** Reads a dashboard; throws an error that says what is wrong when it is none. */
export function readDashboard(source: unknown): Dashboard {
  let raw = object(source);
  // Exported by the API: { dashboard, meta }. Grafana's resource form: { apiVersion, kind, spec }.
  if (raw['dashboard'] !== undefined && raw['panels'] === undefined) raw = object(raw['dashboard']);
  if (raw['spec'] !== undefined && raw['panels'] === undefined) {
    const spec = object(raw['spec']);
    raw = { uid: text(at(raw, 'metadata', 'name')), ...spec };
  }
  if (raw['elements'] !== undefined && raw['layout'] !== undefined) {
    throw new Error('this dashboard is in the V2 resource format, which is not supported yet; export it from Grafana as Classic');
  }
  if (!Array.isArray(raw['panels']) && !Array.isArray(raw['rows'])) throw new Error('this JSON is not a Grafana dashboard: it has neither "panels" nor "rows"');
  const notes: Note[] = [];
  const panels = list(raw['panels']).length > 0 ? list(raw['panels']).map(object) : fromSpans(list(raw['rows']));
  const title = text(raw['title'], 'Untitled');
  const rows = readRows(panels, notes);
  for (const row of rows) if (row.repeat !== '') notes.push({ about: `row ${row.title}`, severity: 'approximated', text: `is not repeated for $${row.repeat}, it is drawn once for all values` });
  return {
    uid: text(raw['uid']) || title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, ''),
    title,
    description: text(raw['description']),
    tags: list(raw['tags']).map((tag) => text(tag)),
    from: text(at(raw, 'time', 'from'), 'now-1h'),
    to: text(at(raw, 'time', 'to'), 'now'),
    refresh: text(raw['refresh']),
    variables: list(at(raw, 'templating', 'list')).flatMap((variable) => readVariable(object(variable), notes) ?? []),
    rows,
    notes,
  };
}
