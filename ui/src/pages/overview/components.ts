// What the Overview knows of the three components: how to recognise their jobs and which numbers tell how they are.

export type ComponentId = 'felix' | 'typha' | 'kube-controllers';

export interface Health {
  label: string;
  /** PromQL with `$job` in the place of the job matcher's value. */
  expr: string;
  unit: string;
  /** From here on the value is a warning, from the second on it is bad. */
  warn?: number;
  bad?: number;
  /** What the number means. */
  title: string;
  /** Said when the query has no result. */
  none: string;
}

export interface Component {
  id: ComponentId;
  name: string;
  /** Uid of its dashboard. */
  dashboard: string;
  /** Series that only the true component has; from 3.33 on every component also exports the others' metrics at zero. */
  marker: string;
  /** Job names that mean this component even when nothing answers. */
  jobPattern: string;
  health: Health[];
}

export const components: Component[] = [
  {
    id: 'felix',
    name: 'Felix',
    dashboard: 'tortie-felix',
    marker: 'felix_host',
    jobPattern: '.*(felix|calico-node).*',
    health: [
      { label: 'In sync', expr: 'count(felix_resync_state{job=~"$job"} == 3) / count(felix_resync_state{job=~"$job"})', unit: 'percentunit', title: 'Share of nodes whose Felix is in sync with the datastore', none: 'felix_resync_state is missing' },
      { label: 'Apply time p99', expr: 'max(felix_int_dataplane_apply_time_seconds{job=~"$job",quantile="0.99"} >= 0)', unit: 's', warn: 2, bad: 5, title: 'Slowest node: time to bring a change into the dataplane', none: 'nothing applied in the last 10 minutes' },
      { label: 'Dataplane load', expr: 'max(rate(felix_int_dataplane_apply_time_seconds_sum{job=~"$job"}[$window]))', unit: 'percentunit', warn: 0.5, bad: 0.95, title: 'Busiest node: share of time spent applying', none: 'needs two samples in the window' },
      { label: 'Calculation load', expr: 'max(rate(felix_calc_graph_update_time_seconds_sum{job=~"$job"}[$window]))', unit: 'percentunit', warn: 0.5, bad: 0.95, title: 'Busiest node: share of time spent in the calculation graph', none: 'needs two samples in the window' },
      { label: 'Dataplane failures', expr: 'sum(increase(felix_int_dataplane_failures{job=~"$job"}[1h]))', unit: 'short', warn: 0.5, bad: 5, title: 'Applies that left work undone, last hour, all nodes', none: 'needs two samples in the last hour' },
    ],
  },
  {
    id: 'typha',
    name: 'Typha',
    dashboard: 'tortie-typha',
    marker: 'typha_breadcrumb_size_count',
    jobPattern: '.*typha.*',
    health: [
      { label: 'Clients streaming', expr: 'sum(typha_connections_streaming{job=~"$job",syncer="felix"})', unit: 'none', title: 'Felix connections past their handshake, all Typhas', none: 'typha_connections_streaming is missing (Calico before 3.25)' },
      { label: 'Fall-behind p99', expr: 'max(typha_client_latency_secs{job=~"$job",quantile="0.99"} >= 0)', unit: 's', warn: 10, bad: 60, title: 'How far the slowest client is behind', none: 'no client latency in the last minute' },
      { label: 'Ping p99', expr: 'max(typha_ping_latency{job=~"$job",quantile="0.99"} >= 0)', unit: 's', warn: 1, bad: 5, title: 'Slowest round trip to a client', none: 'no ping in the last 10 minutes' },
      { label: 'Updates', expr: 'sum(rate(typha_updates_total{job=~"$job",syncer="felix"}[$window]))', unit: 'ops', title: 'Datastore updates for Felix, all Typhas', none: 'needs two samples in the window' },
      { label: 'Connections dropped', expr: 'sum(increase(typha_connections_dropped{job=~"$job"}[1h]))', unit: 'short', title: 'Connections closed to rebalance clients, last hour', none: 'needs two samples in the last hour' },
    ],
  },
  {
    id: 'kube-controllers',
    name: 'kube-controllers',
    dashboard: 'tortie-kube-controllers',
    marker: 'ipam_ippool_size',
    jobPattern: '.*kube-?_?controllers.*',
    health: [
      { label: 'Fullest pool', expr: 'max(sum by (ippool) (ipam_allocations_in_use{job=~"$job"}) / on (ippool) sum by (ippool) (ipam_ippool_size{job=~"$job"}))', unit: 'percentunit', warn: 0.8, bad: 0.9, title: 'Share of the fullest IP pool that is in use', none: 'no ipam_* series: Calico IPAM is not in use or the node controller is off' },
      { label: 'Addresses in use', expr: 'sum(ipam_allocations_in_use{job=~"$job"})', unit: 'none', title: 'Addresses given to workloads and tunnels', none: 'no ipam_* series' },
      { label: 'Borrowed addresses', expr: 'sum(ipam_allocations_borrowed{job=~"$job"})', unit: 'none', title: 'Addresses taken from another node’s block', none: 'no ipam_* series' },
      { label: 'Leak candidates', expr: 'sum(ipam_allocations_gc_candidates{job=~"$job"})', unit: 'none', title: 'Addresses that may have leaked; they normally clear within 30 minutes', none: 'no ipam_* series' },
      { label: 'Resident memory', expr: 'max(process_resident_memory_bytes{job=~"$job"})', unit: 'bytes', title: 'Memory of the process', none: 'process_* series are missing' },
    ],
  },
];

/** Puts a component's jobs and the rate window into an expression. */
export function scope(expr: string, jobs: string[], window: string): string {
  const pattern = jobs.map(escapeRegex).join('|');
  return expr.replaceAll('$job', pattern).replaceAll('$window', window);
}

/** A text as a regular expression that matches only it, written inside a PromQL string. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\\\$&').replace(/"/g, '\\"');
}
