// Collects what the Overview shows: jobs, chain, health, nodes and changes, in as few queries as will do.
import { ApiError, call, type Answer } from '../../api/client.ts';
import { doctorState, type DoctorState } from '../../api/doctor.ts';
import type { Group } from '../../api/rules.ts';
import { isWatchdog } from '../alerts/watchdog.ts';
import { queryRange, queryVector, parseValue, type Labels } from '../../api/prometheus.ts';
import { natural } from '../../format/natural.ts';
import { components, scope, type Component, type Health } from './components.ts';

export interface HealthValue {
  health: Health;
  expr: string;
  value: number | undefined;
  history: (number | undefined)[];
}

export interface ComponentState {
  component: Component;
  jobs: string[];
  targets: number;
  up: number;
  /** Seconds since the newest sample of the marker; undefined when there is none. */
  age: number | undefined;
  /** Targets that carry the marker. */
  marked: number;
  series: number;
  dashboard: boolean;
  down: Labels[];
}

export interface NodeState {
  instance: string;
  job: string;
  name: string;
  up: boolean;
  resync: number | undefined;
}

export interface Change {
  at: number;
  kind: 'restart' | 'down' | 'back' | 'since';
  labels: Labels;
}

export interface Facts {
  hosts?: number | undefined;
  endpoints?: number | undefined;
  policies?: number | undefined;
  tiers?: number | undefined;
  dataplanes: string[];
}

const anyJob = components.map((component) => component.jobPattern).join('|');

/** Dashboards that the server has; none when it does not know the question. */
export async function dashboardUids(signal: AbortSignal): Promise<Set<string>> {
  try {
    const { data } = await call<{ uid: string }[]>('tortie/v1/dashboards', {}, signal);
    return new Set(data.map((one) => one.uid));
  } catch (error) {
    if (signal.aborted) throw error;
    return new Set();
  }
}

/** Set once the server said that it knows no cluster: it is not asked again. */
let noDoctor = false;

/** The doctor's last report; undefined where there is none. */
export async function loadDoctor(signal: AbortSignal): Promise<DoctorState | undefined> {
  if (noDoctor) return undefined;
  try {
    const state = await doctorState(signal);
    return state?.table ? state : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    noDoctor = error instanceof ApiError && (error.status === 404 || (error.status === 503 && error.kind === 'unavailable'));
    return undefined;
  }
}

/** Finds the jobs of each component and judges its links. */
export async function loadChain(at: number, signal: AbortSignal): Promise<ComponentState[]> {
  const markers = components.map((component) => component.marker);
  const [ups, marks, samples, uids] = await Promise.all([
    queryVector('up', at, signal),
    queryVector(
      markers.map((marker) => `label_replace(max by (job, instance) (timestamp(${marker})), "marker", "${marker}", "", "")`).join(' or '),
      at,
      signal,
    ),
    queryVector('sum by (job) (scrape_samples_post_metric_relabeling)', at, signal),
    dashboardUids(signal),
  ]);
  return components.map((component) => {
    const marked = marks.filter((mark) => mark.labels['marker'] === component.marker);
    const elsewhere = new Set(marks.filter((mark) => mark.labels['marker'] !== component.marker).map((mark) => mark.labels['job']));
    const named = new RegExp(`^(?:${component.jobPattern})$`);
    const jobs = new Set(marked.map((mark) => mark.labels['job'] ?? ''));
    for (const { labels } of ups) if (named.test(labels['job'] ?? '') && !elsewhere.has(labels['job'])) jobs.add(labels['job'] ?? '');
    const own = ups.filter(({ labels }) => jobs.has(labels['job'] ?? ''));
    const newest = marked.reduce((max, mark) => Math.max(max, mark.value), -Infinity);
    return {
      component,
      jobs: [...jobs].sort(),
      targets: own.length,
      up: own.filter(({ value }) => value === 1).length,
      age: Number.isFinite(newest) ? Math.max(0, at / 1000 - newest) : undefined,
      marked: marked.length,
      series: samples.filter(({ labels }) => jobs.has(labels['job'] ?? '')).reduce((sum, { value }) => sum + value, 0),
      dashboard: uids.has(component.dashboard),
      down: own.filter(({ value }) => value !== 1).map(({ labels }) => labels),
    };
  });
}

/** Points of a word-sized line. */
const sparkPoints = 60;

/** One number now and its course over the range. */
export async function loadHealth(health: Health, jobs: string[], window: string, start: number, end: number, signal: AbortSignal): Promise<HealthValue> {
  const expr = scope(health.expr, jobs, window);
  const step = Math.max(1000, Math.ceil((end - start) / sparkPoints / 1000) * 1000);
  const first = end - (sparkPoints - 1) * step;
  // The last step is the end itself, so it is the number of now: one question, not two.
  const course = await queryRange({ expr, start: first, end, step }, signal);
  const history: (number | undefined)[] = new Array<number | undefined>(sparkPoints).fill(undefined);
  for (const [seconds, text] of course.data[0]?.values ?? []) history[Math.round((seconds * 1000 - first) / step)] = parseValue(text);
  return { health, expr, value: history[sparkPoints - 1], history };
}

/** What the nodes say of the cluster; each number is the most that any Felix sees. */
export async function loadFacts(jobs: string[], at: number, signal: AbortSignal): Promise<Facts> {
  const job = scope('$job', jobs, '');
  const names = ['hosts', 'workload_endpoints', 'policies', 'tiers'];
  const [numbers, planes] = await Promise.all([
    queryVector(`max by (__name__) ({__name__=~"felix_cluster_num_(${names.join('|')})",job=~"${job}"})`, at, signal),
    queryVector(
      [
        // A node in eBPF mode keeps some iptables chains, and one in nftables mode has none.
        `label_replace(count(count by (instance) (felix_iptables_chains{job=~"${job}"}) unless on (instance) felix_bpf_dataplane_endpoints{job=~"${job}"} > 0), "plane", "iptables", "", "")`,
        `label_replace(count(count by (instance) (felix_nft_chains{job=~"${job}"}) unless on (instance) felix_iptables_chains{job=~"${job}"} unless on (instance) felix_bpf_dataplane_endpoints{job=~"${job}"} > 0), "plane", "nftables", "", "")`,
        `label_replace(count(felix_bpf_dataplane_endpoints{job=~"${job}"} > 0), "plane", "eBPF", "", "")`,
      ].join(' or '),
      at,
      signal,
    ),
  ]);
  const of = (name: string) => numbers.find(({ labels }) => labels['__name__'] === `felix_cluster_num_${name}`)?.value;
  return {
    hosts: of('hosts'), endpoints: of('workload_endpoints'), policies: of('policies'), tiers: of('tiers'),
    dataplanes: planes.map(({ labels, value }) => `${labels['plane']} × ${value}`),
  };
}

/** One entry for each Felix target. */
export async function loadNodes(jobs: string[], at: number, signal: AbortSignal): Promise<NodeState[]> {
  const job = scope('$job', jobs, '');
  const [ups, states] = await Promise.all([
    queryVector(`up{job=~"${job}"}`, at, signal),
    queryVector(`max by (job, instance) (felix_resync_state{job=~"${job}"})`, at, signal),
  ]);
  const key = (labels: Labels) => `${labels['job']}\n${labels['instance']}`;
  const resync = new Map(states.map(({ labels, value }) => [key(labels), value]));
  return ups
    .map(({ labels, value }) => ({
      instance: labels['instance'] ?? '', job: labels['job'] ?? '', name: labels['node'] ?? labels['kubernetes_node'] ?? labels['instance'] ?? '',
      up: value === 1, resync: resync.get(key(labels)),
    }))
    .sort((a, b) => natural(a.name, b.name));
}

const mostChanges = 12;

/** Restarts and lost targets within the range, newest first. */
export async function loadChanges(start: number, end: number, signal: AbortSignal): Promise<Change[]> {
  const step = Math.max(1000, Math.ceil((end - start) / 240 / 1000) * 1000);
  const [restarts, downs] = await Promise.all([
    queryVector(`topk(${mostChanges}, process_start_time_seconds{job=~"${anyJob}"} > ${start / 1000})`, end, signal),
    queryRange({ expr: `up{job=~"${anyJob}"} == 0`, start: start - (start % step), end, step }, signal),
  ]);
  const changes: Change[] = restarts.map(({ labels, value }) => ({ at: value * 1000, kind: 'restart', labels }));
  for (const { metric, values } of downs.data.slice(0, 200)) {
    const times = (values ?? []).map(([seconds]) => seconds * 1000);
    // Down at both ends of the range and all of it in between: that is no change, but it has to be said.
    if (times.length > 1 && times[0]! <= start + step && times.at(-1)! + step * 1.5 >= end) {
      if (times.length >= Math.floor((times.at(-1)! - times[0]!) / step)) {
        changes.push({ at: start, kind: 'since', labels: metric });
        continue;
      }
    }
    times.forEach((time, i) => {
      const before = times[i - 1];
      const after = times[i + 1];
      if ((before === undefined || time - before > step * 1.5) && time > start + step) changes.push({ at: time, kind: 'down', labels: metric });
      if (after === undefined ? time + step * 1.5 < end : after - time > step * 1.5) changes.push({ at: time + step, kind: 'back', labels: metric });
    });
  }
  return changes.sort((a, b) => b.at - a.at).slice(0, mostChanges);
}

export interface ServerFacts {
  /** Alerting rules that are loaded; undefined where that is not known. */
  watching: number | undefined;
  /** Names of those that fire, but for the one that always does. */
  firing: string[];
  version: string;
  series: number | undefined;
  chunks: number | undefined;
  start: number | undefined;
  retention: string | undefined;
  reloadOk: boolean | undefined;
  samples: number | undefined;
}

interface Runtime { startTime?: string; storageRetention?: string; reloadConfigSuccess?: boolean }
interface Tsdb { headStats?: { numSeries?: number; chunkCount?: number } }

/** tortie answers with the version of Prometheus whose API it speaks, and its own as the revision. */
function versionOf(version: string, revision: string): string {
  const own = /^tortie-(.+)$/.exec(revision)?.[1];
  return own === undefined ? version : `${own} (speaks Prometheus ${version})`;
}

/** The server's own state in one line. */
export async function loadServer(at: number, signal: AbortSignal): Promise<ServerFacts> {
  const optional = async <T>(question: Promise<Answer<T>>): Promise<T | undefined> =>
    question.then((answer) => answer.data, (error: unknown) => {
      if (signal.aborted) throw error;
      return undefined;
    });
  const [build, runtime, tsdb, rules, samples] = await Promise.all([
    optional(call<{ version?: string; revision?: string }>('v1/status/buildinfo', {}, signal)),
    optional(call<Runtime>('v1/status/runtimeinfo', {}, signal)),
    optional(call<Tsdb>('v1/status/tsdb', { limit: 1 }, signal)),
    optional(call<{ groups: Group[] }>('v1/rules', { type: 'alert', exclude_alerts: 'true' }, signal)),
    queryVector('sum(scrape_samples_scraped)', at, signal),
  ]);
  const started = runtime?.startTime ? Date.parse(runtime.startTime) : NaN;
  const alerting = rules?.groups.flatMap((group) => group.rules) ?? [];
  return {
    watching: rules === undefined ? undefined : alerting.length, firing: alerting.filter((rule) => rule.state === 'firing' && !isWatchdog(rule)).map(({ name }) => name),
    version: versionOf(build?.version ?? '', build?.revision ?? ''), series: tsdb?.headStats?.numSeries, chunks: tsdb?.headStats?.chunkCount,
    start: Number.isNaN(started) ? undefined : started, retention: runtime?.storageRetention, reloadOk: runtime?.reloadConfigSuccess, samples: samples[0]?.value,
  };
}
