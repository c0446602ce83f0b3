// Against the fixtures of the real components (folder in TORTIE_FIXTURES): the dashboards that people import are read
// whole, and our own ask for metrics that the components really have.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { list, object, text } from '../src/grafana/json.ts';
import { readDashboard } from '../src/grafana/read.ts';

const fixtures = process.env['TORTIE_FIXTURES'];
assert.ok(fixtures, 'TORTIE_FIXTURES is not set: hint: make peers-test');

const files = (folder: string, end: string) => readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith(end)).map((name) => join(folder, name));
const parse = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

/** Panels of a raw dashboard, rows and their nested panels apart. */
function countPanels(raw: unknown): number {
  return list(object(raw)['panels']).map(object).reduce((sum, panel) => sum + (panel['type'] === 'row' ? list(panel['panels']).length : 1), 0);
}

test('every panel of the dashboards of Calico and kube-prometheus is read and none is unsupported', () => {
  let panels = 0;
  const folder = join(fixtures, 'dashboards');
  for (const path of files(folder, '.json')) {
    const raw = parse(path);
    const dashboard = readDashboard(raw);
    const read = dashboard.rows.reduce((sum, row) => sum + row.panels.length, 0);
    assert.equal(read, countPanels(raw), `${path}: panels`);
    assert.deepEqual(dashboard.notes.filter((note) => note.severity === 'unsupported'), [], path);
    panels += read;
  }
  assert.ok(panels > 300, `only ${panels} panels were found in ${folder}`);
});

const exposed = new Set<string>();
for (const path of files(join(fixtures, 'calico'), '.prom')) {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const name = /^([a-zA-Z_:][\w:]*)/.exec(line)?.[1];
    if (name !== undefined) exposed.add(name);
  }
}

/** Series the server writes itself, and families that the recorded clusters do not use: eBPF, flow logs, a migration. */
const elsewhere = /^(up|scrape_duration_seconds|felix_bpf_events|felix_nflog_(logs_received|buffer_overruns)|calico_migration_(phase|resources_total|resource_errors_total))$/;

const keywords = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'or', 'and', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** Names of metrics in an expression: identifiers that are no function, keyword or label. */
function metricNames(expr: string): string[] {
  const bare = expr.replace(/"[^"]*"/g, '""').replace(/\{[^}]*\}/g, '{').replace(/\[[^\]]*\]/g, '').replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/(?<![\w$.])([a-zA-Z_:][\w:]*)\b(?!\s*\()/g)].map((match) => match[1]!).filter((name) => !keywords.has(name));
}

test('our dashboards ask for metrics that the components expose, and every query is limited to a job', () => {
  const folder = new URL('../../../crates/calico/dashboards/', import.meta.url).pathname;
  const found = files(folder, '.json');
  assert.equal(found.length, 3);
  for (const path of found) {
    const raw = parse(path);
    const { rows, notes } = readDashboard(raw);
    assert.deepEqual(notes, [], path);
    assert.ok(Number(object(raw)['schemaVersion']) >= 39);
    for (const row of rows) {
      for (const panel of row.panels) {
        for (const target of panel.targets) {
          const names = metricNames(target.expr);
          assert.ok(names.length > 0, `${text(panel.title)}: no metric in ${target.expr}`);
          for (const name of names) assert.ok(exposed.has(name) || elsewhere.test(name), `${panel.title}: ${name} is not exposed`);
          const selectors = [...target.expr.matchAll(/[\w:]+\{([^}]*)\}/g)].map((match) => match[1]!);
          assert.equal(selectors.length, names.length, `${panel.title}: a metric without a selector in ${target.expr}`);
          for (const selector of selectors) assert.match(selector, /job=~"\$job"/, `${panel.title}: ${target.expr}`);
        }
      }
    }
  }
});
