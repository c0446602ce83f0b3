//! Whether a port of the host's network is free on the nodes where a component listens.

use super::options::PlanError;
use crate::component::Component;
use crate::facts::Facts;
use std::collections::BTreeSet;

/// Refuses a port that another process of those nodes has: the other component in the host's network, or any pod that
/// declares it there. `other` is the port wished for the other of Felix and Typha.
pub(super) fn free(
    facts: &Facts<'_>,
    component: Component,
    port: u16,
    other: Option<u16>,
) -> Result<(), PlanError> {
    let taken = |taken: String| Err(PlanError::PortTaken { component, port, taken });
    let clash = match component {
        Component::Typha => clash_with_felix(facts, port, other),
        Component::Felix => clash_with_typha(facts, port, other),
        Component::KubeControllers => None,
    };
    if let Some(nodes) = clash {
        let name = if component == Component::Typha { "Felix" } else { "Typha" };
        return taken(format!("{name} has it on {}", listed(&nodes)));
    }
    let nodes: BTreeSet<&str> =
        facts.workloads.get(&component).map(|w| w.nodes().into_iter().collect()).unwrap_or_default();
    for pod in facts.snap.pods.iter().filter(|p| nodes.contains(p.node.as_str())) {
        let own = facts
            .workloads
            .get(&component)
            .is_some_and(|w| w.pods.iter().any(|o| o.meta.name == pod.meta.name));
        if own {
            continue;
        }
        let declared = pod.containers.iter().flat_map(|c| &c.ports);
        let hit = declared
            .filter(|p| p.protocol.is_empty() || p.protocol == "TCP")
            .any(|p| p.host_port == port || (pod.host_network && p.port == port));
        if hit {
            return taken(format!("pod {}/{} has it on {}", pod.meta.namespace, pod.meta.name, pod.node));
        }
    }
    Ok(())
}

/// Nodes on which Felix has the port, or would have it.
pub(super) fn clash_with_felix(facts: &Facts<'_>, port: u16, wished: Option<u16>) -> Option<Vec<String>> {
    let typha = facts.workloads.get(&Component::Typha)?;
    let hit: Vec<String> = typha
        .nodes()
        .into_iter()
        .filter(|n| wished.or_else(|| facts.settings.felix_on(n).map(|e| e.port.value)) == Some(port))
        .map(str::to_owned)
        .collect();
    (!hit.is_empty()).then_some(hit)
}

fn clash_with_typha(facts: &Facts<'_>, port: u16, wished: Option<u16>) -> Option<Vec<String>> {
    let typha = facts.workloads.get(&Component::Typha)?;
    let on = facts.settings.typha.as_ref().filter(|e| e.enabled.value).map(|e| e.port.value);
    let at = wished.or(on)?;
    let nodes: Vec<String> = typha.nodes().into_iter().map(str::to_owned).collect();
    (at == port && !nodes.is_empty()).then_some(nodes)
}

fn listed(nodes: &[String]) -> String {
    let shown: Vec<&str> = nodes.iter().take(5).map(String::as_str).collect();
    let more = nodes.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
