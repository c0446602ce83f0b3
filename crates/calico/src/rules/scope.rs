//! What a cluster is like, as far as it decides which rules fit it.

use super::{Rule, bundled};
use crate::catalogue::{self, Mode};
use crate::component::Component;
use crate::facts::install::Version;
use crate::facts::queries;
use std::collections::{BTreeMap, BTreeSet};

/// What stands before a page's name in the bundled files: a tortie that evaluates them serves the pages itself.
pub const RUNBOOKS: &str = "{{ $externalURL }}/runbooks/";

/// Where the page of an alert opens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Runbooks {
    /// At the tortie that evaluates the rules.
    #[default]
    Served,
    /// Below this URL, which ends in a slash: that of a tortie that others evaluate rules for.
    At(String),
    /// Nowhere: a Prometheus serves no pages, and a link that opens nothing is worse than none. The annotation `runbook`
    /// names the command that shows the page.
    Told,
}

/// Entries of the eBPF conntrack map by default (`bpfMapSizeConntrack`).
pub const CONNTRACK_ENTRIES: u64 = 512_000;

/// The job matchers of the bundled files.
const JOBS: [(Component, &str); 3] = [
    (Component::Felix, r#"job=~".*(felix|calico.node|canal).*""#),
    (Component::Typha, r#"job=~".*typha.*""#),
    (Component::KubeControllers, r#"job=~".*kube.?controllers.*""#),
];

/// What rules are made for. The default fits every cluster: all versions, all dataplanes, jobs by their usual names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Calico's version; without one, rules of every version.
    pub version: Option<Version>,
    /// The modes that some node is in; without them, rules of every mode. `Always`, `Linux` and `Event` are in force in
    /// any case.
    pub modes: Option<BTreeSet<Mode>>,
    /// The components that are installed.
    pub components: BTreeSet<Component>,
    /// The values of the label `job` of each component's targets; without any, a pattern that fits the usual ones.
    pub jobs: BTreeMap<Component, Vec<String>>,
    /// Entries of the eBPF conntrack map.
    pub conntrack_entries: u64,
    /// Whether the server that evaluates the rules is tortie and scrapes itself.
    pub own: bool,
    /// Where the page of each alert opens.
    pub runbooks: Runbooks,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope {
            version: None,
            modes: None,
            components: Component::ALL.into(),
            jobs: BTreeMap::new(),
            conntrack_entries: CONNTRACK_ENTRIES,
            own: true,
            runbooks: Runbooks::Served,
        }
    }
}

/// The mode that a group is for.
pub(super) fn mode_of(group: &str) -> Mode {
    match group {
        "calico.felix.dataplane" => Mode::Linux,
        "calico.felix.iptables" => Mode::Iptables,
        "calico.felix.nftables" => Mode::Nftables,
        "calico.felix.ebpf" => Mode::Bpf,
        "calico.felix.flow-logs" => Mode::FlowLogs,
        "calico.felix.wireguard" => Mode::Wireguard,
        "calico.ipam" => Mode::Ipam,
        "calico.migration" => Mode::Migration,
        _ => Mode::Always,
    }
}

impl Scope {
    /// Whether the cluster can need a group.
    pub(super) fn has_group(&self, name: &str) -> bool {
        let mode = mode_of(name);
        let free = matches!(mode, Mode::Always | Mode::Linux | Mode::Event);
        let own = name != "tortie" || self.own;
        own && (free || self.modes.as_ref().is_none_or(|m| m.contains(&mode)))
    }

    /// Whether the cluster has all that a rule reads.
    pub(super) fn has_rule(&self, rule: &Rule) -> bool {
        // A test rules out that a bundled expression cannot be parsed.
        let Ok(expr) = queries::parse(&rule.expr) else { return false };
        let known = |name: &str| catalogue::find(name).is_none_or(|m| m.in_version(self.version));
        let recorded = |name: &str| {
            let by = bundled::all().iter().flat_map(|g| &g.rules).find(|r| !r.alert && r.name == name);
            by.is_none_or(|r| self.has_rule(r))
        };
        let named: Vec<&str> = expr.selectors().iter().filter_map(|s| queries::metric(s)).collect();
        queries::components(&expr).is_subset(&self.components)
            && named.into_iter().all(|n| known(n) && (!n.contains(':') || recorded(n)))
    }

    /// A rule with the cluster's own names and numbers in it.
    pub(super) fn fitted(&self, rule: &Rule) -> Rule {
        let mut out = rule.clone();
        for (component, pattern) in JOBS {
            if let Some(jobs) = self.jobs.get(&component).filter(|j| !j.is_empty()) {
                out.expr = out.expr.replace(pattern, &matcher(jobs));
            }
        }
        if self.conntrack_entries != CONNTRACK_ENTRIES {
            let (old, new) = (CONNTRACK_ENTRIES.to_string(), self.conntrack_entries.to_string());
            out.expr = out.expr.replace(&old, &new);
            for (_, text) in &mut out.annotations {
                *text = text.replace(&format!("by default ({old})"), &format!("({new})"));
            }
        }
        for (name, url) in out.annotations.iter_mut().filter(|(n, _)| n == "runbook_url") {
            match &self.runbooks {
                Runbooks::Served => {}
                Runbooks::At(base) => *url = url.replacen(RUNBOOKS, base, 1),
                Runbooks::Told => {
                    *name = "runbook".to_owned();
                    *url = format!("tortie explain {}", out.name);
                }
            }
        }
        out
    }
}

/// A matcher for these jobs and no others.
fn matcher(jobs: &[String]) -> String {
    if let [one] = jobs {
        return format!("job={}", tortie_promql::go_text::quote(one));
    }
    let escaped: Vec<String> = jobs.iter().map(|j| escape(j)).collect();
    format!("job=~{}", tortie_promql::go_text::quote(&escaped.join("|")))
}

/// A text as a regular expression that fits it alone.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
