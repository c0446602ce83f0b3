//! What probes of the processes say: whether somebody answers on a component's port, and whether it is the component.

use crate::component::Component;
use crate::doctor::check::Judged;
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::last_error::Class;
use crate::doctor::verdict::Confidence;
use crate::facts::Facts;
use crate::snapshot::{Probe, ProbeOutcome};
use std::collections::BTreeMap;
use tortie_cluster::object::{Gvk, ObjectRef};

/// Whose metrics a body holds, by families that only one component has. Typha carries Felix' families too (3.33 on), so
/// its own are asked first; kube-controllers without IPAM has none of its own.
pub(crate) fn whose(families: &BTreeMap<String, u64>) -> Option<Component> {
    let has = |c: Component| families.get(c.marker()).is_some_and(|n| *n > 0);
    if has(Component::Typha) {
        return Some(Component::Typha);
    }
    if has(Component::Felix) {
        return Some(Component::Felix);
    }
    let own = |c: Component| families.keys().any(|f| c.prefixes().iter().any(|p| f.starts_with(p)));
    [Component::KubeControllers, Component::Felix].into_iter().find(|c| own(*c))
}

/// Whether a probe got the metrics of the component whose port it is.
pub(crate) fn is_own(probe: &Probe) -> bool {
    match &probe.outcome {
        ProbeOutcome::Answered { families, .. } => match whose(families) {
            Some(component) => component == probe.component,
            None => probe.component == Component::KubeControllers,
        },
        _ => false,
    }
}

/// Judges whether the processes of a component answer; one judgement a pod, the same cause for all that fail alike.
pub(crate) fn judge(facts: &Facts<'_>, component: Component) -> Vec<Judged> {
    let Some(workload) = facts.workloads.get(&component) else { return Vec::new() };
    let entity = Entity::of(component);
    let probes: Vec<&Probe> = facts.snap.probes.iter().filter(|p| p.component == component).collect();
    if probes.is_empty() {
        let why = facts.snap.unseen_of("pods/portforward").map(|u| u.reason.clone());
        return vec![match why {
            Some(why) => Judged::unknown(entity, why),
            None if facts.running() => Judged::unknown(entity, "no process was probed"),
            None => Judged::skipped(entity, "this source holds no probes of the processes"),
        }];
    }
    // Several looks at one pod: one that got an answer counts.
    let mut by_pod: BTreeMap<&(String, String), Vec<&Probe>> = BTreeMap::new();
    for probe in probes {
        by_pod.entry(&probe.pod).or_default().push(probe);
    }
    let (mut out, mut well, all) = (Vec::new(), 0, by_pod.len());
    for looks in by_pod.into_values() {
        let Some(failed) = looks.iter().find(|p| !matches!(p.outcome, ProbeOutcome::Answered { .. })) else {
            well += 1;
            continue;
        };
        if looks.iter().any(|p| matches!(p.outcome, ProbeOutcome::Answered { .. })) {
            well += 1;
            continue;
        }
        let place =
            if failed.node.is_empty() { entity.clone() } else { entity.clone().on(failed.node.clone()) };
        let host = facts.settings.felix_on(&failed.node).map(|e| e.host.value.as_str()).unwrap_or_default();
        let elsewhere = component == Component::Felix && !host.is_empty() && host != "0.0.0.0";
        if elsewhere && !host.starts_with("127.") {
            let reason = format!("it listens on {host}; a port-forward goes to the pod's loopback");
            out.push(Judged::unknown(place, reason));
            continue;
        }
        out.push(Judged::fail(place, finding(component, workload.object.map(|o| o.reference()), failed)));
    }
    if out.is_empty() {
        out.push(Judged::pass_with(entity, format!("{well}/{all}")));
    }
    out
}

fn finding(component: Component, workload: Option<ObjectRef>, probe: &Probe) -> Finding {
    let port = probe.port;
    let (class, words, fix) = match &probe.outcome {
        ProbeOutcome::Status(code) => (
            format!("status {code}"),
            format!("the process on :{port} answers {code} on /metrics"),
            if *code >= 500 {
                "the process itself fails: its log says why, and `tortie scrape` shows what it answers"
                    .to_owned()
            } else {
                "another program may answer there; curl it from the node".to_owned()
            },
        ),
        ProbeOutcome::Failed(text) => {
            let class = Class::of(text);
            let words = match class {
                Class::Refused => format!("nothing listens on :{port}"),
                Class::Timeout => format!("the process on :{port} does not answer in time"),
                _ => format!("the process on :{port} cannot be asked: {text}"),
            };
            // Nothing stands between a port-forward and the process.
            let next = match class {
                Class::Timeout => {
                    "the process itself hangs: look at its log and at the CPU and memory of its node, then restart the pod"
                }
                _ => class.next(),
            };
            (class.as_str().to_owned(), words, next.to_owned())
        }
        ProbeOutcome::Answered { .. } => (String::new(), String::new(), String::new()),
    };
    let pod = ObjectRef::new(Gvk::new("", "v1", "Pod"), &probe.pod.0, &probe.pod.1);
    Finding::new(format!("{}: {words}", component.title()))
        .confidence(Confidence::Observed)
        .cause_ref(workload.unwrap_or_else(|| pod.clone()), &format!("port {port}"), class)
        .row(pod.to_string(), words, seen_from(probe))
        .fix(Fix::Outside(fix))
}

/// `on n2, by port-forward`.
fn seen_from(probe: &Probe) -> String {
    let by = format!("by {}", probe.from.as_str());
    if probe.node.is_empty() { by } else { format!("on {}, {by}", probe.node) }
}

/// Test data: one probe.
#[cfg(test)]
pub(crate) fn probe(component: Component, node: &str, outcome: ProbeOutcome) -> Probe {
    Probe {
        component,
        pod: ("calico-system".to_owned(), format!("{component}-{node}")),
        node: node.to_owned(),
        port: component.default_port(),
        from: crate::snapshot::Vantage::PortForward,
        outcome,
    }
}

/// Test data: a body with one series of each family.
#[cfg(test)]
pub(crate) fn body(families: &[&str]) -> ProbeOutcome {
    ProbeOutcome::Answered {
        families: families.iter().map(|f| ((*f).to_owned(), 1)).collect(),
        broken: None,
        content_type: "text/plain; version=0.0.4".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{body, is_own, probe, whose};
    use crate::component::Component::{self, Felix, KubeControllers, Typha};
    use crate::snapshot::ProbeOutcome;

    #[test]
    fn bodies_are_told_apart() {
        #[track_caller]
        fn check(families: &[&str], expect: Option<Component>) {
            let ProbeOutcome::Answered { families: all, .. } = body(families) else { panic!("a body") };
            assert_eq!(whose(&all), expect, "{families:?}");
        }
        check(&["felix_host", "felix_resyncs_started", "go_goroutines"], Some(Felix));
        check(&["typha_connections_active", "felix_host"], Some(Typha));
        check(&["ipam_blocks_per_node", "typha_log_errors"], Some(KubeControllers));
        check(&["go_goroutines", "typha_log_errors"], None);
        check(&["pushgateway_build_info"], None);
    }

    #[test]
    fn kube_controllers_without_ipam_is_itself() {
        assert!(is_own(&probe(KubeControllers, "n1", body(&["go_goroutines"]))));
        assert!(!is_own(&probe(Felix, "n1", body(&["go_goroutines"]))));
        assert!(!is_own(&probe(Felix, "n1", ProbeOutcome::Status(404))));
    }
}
