//! The scope of a cluster: read off its objects.

use super::Scope;
use super::scope::{CONNTRACK_ENTRIES, Runbooks};
use crate::catalogue::Mode;
use crate::component::Component;
use crate::facts::{Facts, discovered};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Scope {
    /// What fits this cluster as it is. Where its monitors make jobs of unusual names, these take the place of the pattern. Rules about tortie itself are not in it: who evaluates them is another Prometheus.
    pub fn of(facts: &Facts<'_>) -> Scope {
        let mut components: BTreeSet<Component> = facts.installed().collect();
        // A cluster in which nothing was found is one that could not be looked at.
        if components.is_empty() {
            components = Component::ALL.into();
        }
        Scope {
            version: facts.install.version,
            modes: Some(modes(facts.snap)),
            components,
            jobs: jobs(facts),
            conntrack_entries: felix_numbers(facts.snap, "bpfMapSizeConntrack").unwrap_or(CONNTRACK_ENTRIES),
            own: false,
            runbooks: Runbooks::Told,
        }
    }
}

/// The values of `job` that the monitors of each component give.
fn jobs(facts: &Facts<'_>) -> BTreeMap<Component, Vec<String>> {
    let mut out = BTreeMap::new();
    for component in facts.installed() {
        let Some(branch) = facts.best(component).filter(|b| b.taken.as_ref().is_some_and(|t| t.yes())) else {
            continue;
        };
        let found: BTreeSet<String> =
            discovered::targets(facts, branch).iter().map(|t| t.labels.get("job").to_owned()).collect();
        // The pattern stays while it fits: so the rules are the same before and after the monitors have targets.
        let usual = |j: &String| component.named_in(j) && !j.chars().any(char::is_uppercase);
        if !found.iter().all(usual) {
            out.insert(component, found.into_iter().filter(|j| !j.is_empty()).collect());
        }
    }
    out
}

/// Specifications of all FelixConfigurations.
fn felix(snap: &Snapshot) -> impl Iterator<Item = &Value> {
    ["projectcalico.org", "crd.projectcalico.org"]
        .into_iter()
        .flat_map(|g| snap.of(g, "FelixConfiguration"))
        .filter_map(|o| o.at("/spec"))
}

/// The largest value of a number among all FelixConfigurations.
fn felix_numbers(snap: &Snapshot, field: &str) -> Option<u64> {
    felix(snap).filter_map(|s| s.get(field)?.as_u64()).filter(|n| *n > 0).max()
}

/// The modes that the settings put nodes into. Two dataplanes may be there at a time: a setting may speak for one node alone.
fn modes(snap: &Snapshot) -> BTreeSet<Mode> {
    let mut out = BTreeSet::from([Mode::Ipam, Mode::Migration, Mode::FlowLogs]);
    let on = |field: &str| felix(snap).any(|s| s.get(field).and_then(Value::as_bool) == Some(true));
    let says = |field: &str, word: &str| {
        felix(snap)
            .any(|s| s.get(field).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(word)))
    };
    let chosen: Vec<&str> = snap
        .of("operator.tigera.io", "Installation")
        .filter_map(|o| o.text("/spec/calicoNetwork/linuxDataplane"))
        .collect();
    let operator = |word: &str| chosen.iter().any(|c| c.eq_ignore_ascii_case(word));
    if on("bpfEnabled") || operator("BPF") {
        out.insert(Mode::Bpf);
    }
    if says("nftablesMode", "Enabled") || operator("Nftables") {
        out.insert(Mode::Nftables);
    }
    // The eBPF dataplane uses iptables for what it does not do itself.
    if !out.contains(&Mode::Nftables) || operator("Iptables") || out.contains(&Mode::Bpf) {
        out.insert(Mode::Iptables);
    }
    // From 3.31 on `Auto` follows kube-proxy, which is not looked at.
    if says("nftablesMode", "Auto") {
        out.extend([Mode::Iptables, Mode::Nftables]);
    }
    if on("wireguardEnabled") || on("wireguardEnabledV6") {
        out.insert(Mode::Wireguard);
    }
    out
}
