//! The metrics that Calico's components have, by name: since and until which version, and in which mode they have series.
//!
//! Names were listed from the sources of Calico 3.22 to 3.33. A name of a summary or histogram stands once; its `_sum`,
//! `_count` and `_bucket` follow from [`Kind`]. What is not here is not Calico's, or belongs to Calico Enterprise.

use crate::component::Component;
use crate::facts::install::Version;

mod names;

/// What has to be so before a metric has series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Nothing: every process of the component has it.
    Always,
    /// Linux nodes.
    Linux,
    /// The iptables dataplane.
    Iptables,
    /// The nftables dataplane.
    Nftables,
    /// The eBPF dataplane.
    Bpf,
    /// Flow logs are collected (Goldmane, from 3.30).
    FlowLogs,
    /// WireGuard is on, and its metrics too.
    Wireguard,
    /// Calico's own IPAM is in use.
    Ipam,
    /// The move from `crd.projectcalico.org` to native `projectcalico.org/v3` runs or has run.
    Migration,
    /// Something has to happen first: the series comes with the first event.
    Event,
}

impl Mode {
    /// How a sentence goes on after "needs".
    pub fn needs(self) -> &'static str {
        match self {
            Mode::Always => "nothing",
            Mode::Linux => "Linux nodes",
            Mode::Iptables => "the iptables dataplane",
            Mode::Nftables => "the nftables dataplane",
            Mode::Bpf => "the eBPF dataplane",
            Mode::FlowLogs => "flow logs",
            Mode::Wireguard => "WireGuard",
            Mode::Ipam => "Calico's IPAM",
            Mode::Migration => "a migration to native v3 resources",
            Mode::Event => "an event that has not happened yet",
        }
    }
}

/// The kind of a metric, as far as it decides which names it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A counter or a gauge: the name alone.
    Plain,
    /// A summary: also `_sum` and `_count`.
    Summary,
    /// A histogram: `_bucket`, `_sum`, `_count`, and the bare name only as a native histogram.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whose it is.
    pub component: Component,
    /// Which names it has.
    pub kind: Kind,
    /// First minor version of Calico 3 that has it; 0 for all that were looked at (3.22 on).
    pub since: u32,
    /// First minor version that has it no more; none while it lives.
    pub until: Option<u32>,
    /// When it has series.
    pub mode: Mode,
    /// What took its place when it went.
    pub successor: Option<&'static str>,
}

impl Metric {
    /// Whether a version has it. Without a version every name counts that lives in some.
    pub fn in_version(&self, version: Option<Version>) -> bool {
        version.is_none_or(|v| v.since(self.since) && self.until.is_none_or(|u| !v.since(u)))
    }
}

/// All metrics.
pub fn all() -> &'static [Metric] {
    names::ALL
}

/// The metric that a series name belongs to.
pub fn find(series: &str) -> Option<&'static Metric> {
    let exact = all().iter().find(|m| m.name == series);
    exact.or_else(|| {
        all().iter().find(|m| {
            let tail = series.strip_prefix(m.name);
            match m.kind {
                Kind::Plain => false,
                Kind::Summary => matches!(tail, Some("_sum" | "_count")),
                Kind::Histogram => matches!(tail, Some("_sum" | "_count" | "_bucket")),
            }
        })
    })
}

/// The component whose series a name belongs to, by the beginning of the name: known or not.
pub fn component_of(series: &str) -> Option<Component> {
    if let Some(metric) = find(series) {
        return Some(metric.component);
    }
    Component::ALL.into_iter().find(|c| c.prefixes().iter().any(|p| series.starts_with(p)))
}

/// Why a name has no series in any version of Calico, with what may have been meant; `None` for a name that has, one that
/// is not Calico's, and one that a rule records.
pub fn unknown(name: &str) -> Option<String> {
    let component = component_of(name).filter(|_| find(name).is_none() && !name.contains(':'))?;
    let names = series(component, None);
    // The usual slips: `_total`, which counters of Calico mostly lack, and an end that is another.
    let stem = name.strip_suffix("_total").unwrap_or(name);
    let common = |n: &String| n.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let prefix =
        component.prefixes().iter().filter(|p| name.starts_with(*p)).map(|p| p.len()).max().unwrap_or(0);
    let alike = || names.iter().max_by_key(|n| (common(n), std::cmp::Reverse(n.len())));
    let meant = names.iter().find(|n| *n == stem).or_else(|| alike().filter(|n| common(n) > prefix + 2));
    let hint = meant.map_or_else(String::new, |m| format!(" (hint: did you mean {m}?)"));
    Some(format!("no version of Calico has {name}{hint}"))
}

/// All names of series of a component in a version, for "what may have been meant".
pub fn series(component: Component, version: Option<Version>) -> Vec<String> {
    let mut out = Vec::new();
    for metric in all().iter().filter(|m| m.component == component && m.in_version(version)) {
        if metric.kind != Kind::Histogram {
            out.push(metric.name.to_owned());
        }
        let tails: &[&str] = match metric.kind {
            Kind::Plain => &[],
            Kind::Summary => &["_sum", "_count"],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
        };
        out.extend(tails.iter().map(|t| format!("{}{t}", metric.name)));
    }
    out
}

/// Most series that one process of the component should have; more is worth a look. `nodes` is the cluster's size.
/// Measured on 3.33: Felix 275 to 290, Typha 442, kube-controllers 68 and about 40 a node with IPAM; WireGuard adds three a
/// peer.
pub fn most_series(component: Component, nodes: usize) -> f64 {
    let nodes = nodes as f64;
    match component {
        Component::Felix => 2_000.0 + 6.0 * nodes,
        Component::Typha => 3_000.0,
        Component::KubeControllers => 1_000.0 + 80.0 * nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_begin_like_their_component_or_are_known_exceptions() {
        let names: BTreeSet<&str> = all().iter().map(|m| m.name).collect();
        assert_eq!(names.len(), all().len());
        for m in all() {
            let own = m.component.prefixes().iter().any(|p| m.name.starts_with(p));
            let other = m.name.starts_with("wireguard_") || m.name.starts_with("calico_migration_");
            assert!(own || other, "{}", m.name);
            assert!(m.successor.is_none_or(|s| find(s).is_some()), "{} became an unknown name", m.name);
            assert!(m.until.is_none_or(|u| u > m.since), "{}", m.name);
        }
    }

    #[test]
    fn series_find_their_metric() {
        #[track_caller]
        fn check(series: &str, expect: Option<&str>) {
            assert_eq!(find(series).map(|m| m.name), expect, "{series}");
        }
        check("felix_iptables_rules", Some("felix_iptables_rules"));
        check("felix_calc_graph_update_time_seconds_sum", Some("felix_calc_graph_update_time_seconds"));
        check("felix_int_dataplane_failures_total", None);
        check("felix_host_count", None);
        check("ipam_blocks", Some("ipam_blocks"));
    }

    #[test]
    fn versions_decide() {
        #[track_caller]
        fn check(series: &str, version: &str, expect: bool) {
            let metric = find(series).expect("a known name");
            assert_eq!(metric.in_version(Version::parse(version)), expect, "{series} in {version}");
        }
        check("felix_route_table_list_seconds", "3.28", true);
        check("felix_route_table_list_seconds", "3.29", false);
        check("felix_nft_rules", "3.28", false);
        check("felix_nft_rules", "3.29", true);
        assert_eq!(component_of("felix_made_up"), Some(Component::Felix));
        assert_eq!(component_of("process_open_fds"), None);
        assert!(series(Component::Typha, None).contains(&"typha_breadcrumb_size_count".to_owned()));
    }
}
