//! # Windows nodes have their own way
//!
//! **Looks at** nodes with Windows, and whether a Service selects the pods `k8s-app: calico-node-windows`.
//!
//! **Why it matters.** Felix on Windows runs in a DaemonSet of its own with another label, so the Service of the Linux nodes
//! does not reach it. Its port is closed by the firewall unless `windowsManageFirewallRules` is `Enabled` (Calico 3.27 on,
//! HostProcess containers).
//!
//! **How to mend.** Make a second Service with the selector `k8s-app: calico-node-windows` and the same port name, and enable
//! the firewall rules in FelixConfiguration.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T216",
    slug: "windows-nodes",
    title: "Windows nodes have their own way",
    station: Station::On,
    level: Level::Info,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const APP: &str = "calico-node-windows";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let entity = Entity::of(Component::Felix);
    if let Some(judged) = blind::list(facts, &entity, "nodes") {
        return vec![judged];
    }
    let nodes: Vec<&str> =
        facts.snap.nodes.iter().filter(|n| n.os == "windows").map(|n| n.meta.name.as_str()).collect();
    let reached = facts.snap.services.iter().any(|s| s.selector.get("k8s-app").is_some_and(|v| v == APP));
    if nodes.is_empty() || reached || !facts.has(Component::Felix) {
        return vec![Judged::pass(entity)];
    }
    let finding = Finding::new(format!("no Service reaches Felix on the Windows nodes {}", nodes.join(", ")))
        .row("nodes with Windows", nodes.len().to_string(), "")
        .fix(Fix::Outside(format!(
            "make a second Service with the selector k8s-app: {APP}, and set windowsManageFirewallRules: Enabled in FelixConfiguration"
        )));
    vec![Judged::info(entity, finding)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, object, set};

    fn with(os: &str, service: bool) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            set(o.get("Node", "n3"), "/status/nodeInfo/operatingSystem", json!(os));
            if service {
                let spec = json!({"selector": {"k8s-app": "calico-node-windows"}, "ports": [{"name": "felix-metrics", "port": 9091}]});
                o.add(object("v1", "Service", "calico-system", "felix-windows", spec));
            }
        })
    }

    #[track_caller]
    fn check(os: &str, service: bool, expect: &[&str]) {
        assert_eq!(findings("T216", &with(os, service)), expect, "{os} {service}");
    }

    #[test]
    fn windows_needs_a_service_of_its_own() {
        check("linux", false, &[]);
        check("windows", true, &[]);
        check("windows", false, &["info felix: no Service reaches Felix on the Windows nodes n3"]);
    }

    #[test]
    fn a_second_service_mends_it() {
        assert_eq!(
            mends("T216", &with("windows", false)),
            [
                "outside: make a second Service with the selector k8s-app: calico-node-windows, and set windowsManageFirewallRules: Enabled in FelixConfiguration"
            ]
        );
    }
}
