// A dashboard as the UI draws it, whatever version of Grafana's JSON it came from.
import type { Json } from './json.ts';

export type PanelKind = 'timeseries' | 'stat' | 'gauge' | 'bargauge' | 'table' | 'text' | 'heatmap' | 'unsupported';

export interface PanelTarget {
  refId: string;
  expr: string;
  legend: string | undefined;
  instant: boolean;
  range: boolean;
  format: 'time_series' | 'table' | 'heatmap';
  /** Smallest step as written, may hold variables. */
  interval: string;
  factor: number;
}

export interface Override {
  matcher: { id: string; options: unknown };
  properties: { id: string; value: unknown }[];
}

export interface Panel {
  id: number;
  kind: PanelKind;
  title: string;
  description: string;
  grid: { x: number; y: number; w: number; h: number };
  targets: PanelTarget[];
  defaults: Json;
  overrides: Override[];
  options: Json;
  transformations: { id: string; options: Json }[];
  interval: string;
  maxPoints: number | undefined;
  repeat: string;
  repeatDirection: 'h' | 'v';
  maxPerRow: number;
  /** Why it cannot be drawn, for `unsupported`. */
  problem: string;
}

export interface Row {
  title: string;
  collapsed: boolean;
  /** Grid row where its panels begin. */
  top: number;
  panels: Panel[];
  repeat: string;
}

export type VariableKind = 'query' | 'custom' | 'constant' | 'datasource' | 'interval' | 'textbox' | 'adhoc';

export interface Variable {
  name: string;
  label: string;
  kind: VariableKind;
  /** Query, list of values or constant, by its kind. */
  definition: string;
  regex: string;
  sort: number;
  multi: boolean;
  includeAll: boolean;
  allValue: string;
  hidden: boolean;
  /** Saved choice; `$__all` is All. */
  saved: string[];
}

export interface Note {
  /** Panel, variable or whole dashboard it is about. */
  about: string;
  severity: 'approximated' | 'unsupported';
  text: string;
}

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  from: string;
  to: string;
  refresh: string;
  variables: Variable[];
  rows: Row[];
  /** What could not be taken over exactly. */
  notes: Note[];
}
