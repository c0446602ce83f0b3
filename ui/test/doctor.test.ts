// What the Doctor page and the Overview make of a report.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellMark, DoctorState, Finding, Report } from '../src/api/doctor.ts';
import { blocks } from '../src/pages/doctor/markdown.tsx';
import { age, closing, lookedAt, stateOfCell, wordOfCell } from '../src/pages/doctor/words.ts';
import { linksOf, verdict } from '../src/pages/overview/chain.tsx';
import { components } from '../src/pages/overview/components.ts';
import type { ComponentState } from '../src/pages/overview/load.ts';

const stations = ['on', 'port', 'service', 'monitor', 'selected', 'targets', 'fresh', 'panels', 'rules'];

function report(more: Partial<Report['summary']>, findings: Partial<Finding>[] = []): Report {
  return {
    cluster: { uid: 'u', context: 'c', server: 's', kubernetes: '1.36.3', calico: '3.30.1' },
    summary: { goals: { felix: 'pass' }, fail: 0, warn: 0, info: 0, unknown: 0, ...more }, findings: findings as Finding[], checks: [], exit: 0,
  };
}

function state(marks: Partial<Record<string, CellMark>>, more: Partial<DoctorState> = {}): DoctorState {
  const cells = stations.map((name) => ({ mark: marks[name] ?? 'good', note: name === 'on' ? '3/3' : '', why: marks[name] ? [`T507 ${name} is wrong`] : [] }));
  return {
    state: 'idle', cluster: 'f', nowMs: 0, startedMs: null, finishedMs: 0, ageMs: 65_000, tookMs: 1, report: report({}), asked: [], unseen: [], error: null, setup: { allowed: false, why: '' },
    table: { stations, rows: components.map(({ id, name }) => ({ component: id, title: name, installed: true, cells })) }, ...more,
  };
}

test('the closing sentence names what is worst', () => {
  const check = (summary: Partial<Report['summary']>, expected: string) => assert.equal(closing(report(summary), undefined)?.text, expected);
  check({}, 'Every link that was looked at holds');
  check({ fail: 1 }, '1 thing broken');
  check({ fail: 2, warn: 1 }, '2 things broken, 1 to look at');
  check({ warn: 3 }, '3 to look at');
  check({ goals: {} }, 'No component of Calico was found in this cluster');
  check({ goals: { felix: 'pass', typha: 'unknown' } }, 'Nothing broken was found; of typha it could not be seen whether samples arrive');
  assert.equal(closing(undefined, undefined), undefined);
  assert.deepEqual(closing(report({}), state({}, { error: 'refused' })), { state: 'unknown', text: 'The cluster could not be looked at' });
});

test('each mark has a state and a word of its own', () => {
  const all: CellMark[] = ['good', 'bad', 'look', 'note', 'unknown', 'young', 'none'];
  assert.equal(new Set(all.map(wordOfCell)).size, all.length);
  assert.deepEqual(all.map(stateOfCell), ['ok', 'bad', 'warn', 'ok', 'unknown', 'unknown', 'off']);
});

test('ages and what was looked at are said in words', () => {
  assert.deepEqual([null, 300, 65_000].map(age), ['never', 'just now', '1 m 5 s ago']);
  const line = lookedAt(state({}, { asked: [{ name: 'p', version: '', via: '', unreachable: 'refused' }] }));
  assert.equal(line, 'Cluster: f · context c · Kubernetes 1.36.3 · Calico 3.30.1 · Prometheus p not reached: refused');
});

test('the pages of checks come apart into blocks', () => {
  const text = '# Title\n\n**Looks at** a\nand b.\n\n- one\n  more\n- two\n\n```\nx: 1\n\ny: 2\n```\nend';
  assert.deepEqual(blocks(text), [
    { kind: 'head', lines: ['Title'] }, { kind: 'text', lines: ['**Looks at** a and b.'] }, { kind: 'list', lines: ['one more', 'two'] },
    { kind: 'code', lines: ['x: 1', '', 'y: 2'] }, { kind: 'text', lines: ['end'] },
  ]);
});

const felix: ComponentState = { component: components[0]!, jobs: ['job'], targets: 3, up: 3, age: 5, marked: 3, series: 900, dashboard: true, down: [] };

test('the links of the cluster come from the doctor, the others from the series', () => {
  const marks = (given: Partial<Record<string, CellMark>>) => linksOf(felix, state(given)).map((link) => link.state).join(' ');
  assert.equal(marks({}), 'ok ok ok ok ok ok ok ok');
  assert.equal(marks({ selected: 'bad' }), 'ok ok bad ok ok ok ok ok');
  assert.equal(marks({ on: 'unknown', service: 'look' }), 'unknown warn ok ok ok ok ok ok');
  assert.equal(linksOf(felix, state({}))[0]!.text, '3/3');
  assert.equal(linksOf(felix, state({ monitor: 'bad' }))[2]!.why, 'T507 monitor is wrong');
  // Without a report they are left out, and so they are for what is not installed.
  assert.equal(linksOf(felix).map((link) => link.state).join(' '), 'off off off ok ok ok ok ok');
  const absent = state({});
  absent.table!.rows[0]!.installed = false;
  assert.equal(linksOf(felix, absent)[0]!.state, 'off');
});

test('a finding of the doctor is the sentence at the top', () => {
  const broken = state({}, { report: report({ fail: 1 }, [{ id: 'T203', level: 'fail', title: 'felix is off' }]) });
  assert.deepEqual(verdict([felix], [], broken), { state: 'bad', text: 'Felix is off (T203)' });
  const warned = state({}, { report: report({ warn: 1 }, [{ id: 'T715', level: 'warn', title: 'x' }]) });
  assert.equal(verdict([felix], [], warned).state, 'ok');
});
