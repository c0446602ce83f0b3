//! # No two monitored Services send to the same pods
//!
//! **Looks at** the Services that end at the component's metrics, and at the monitors that one Prometheus takes.
//!
//! **Why it breaks silently.** Each Service gives its own targets with its own `job` and `service`. All are up; every series
//! is there twice, sums double, and alerts page twice. It comes with the operator's `calico-typha-metrics` beside the
//! Service that Calico's documentation had one make before, or with one selector label on both.
//!
//! **How to mend.** Keep the operator's Service and delete your own, or its monitor. Where both are yours, keep the one that
//! your dashboards name as `job`.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::monitors::{Kind, names, selects_service};
use crate::facts::ownership::kept_by;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T408",
    slug: "two-services-same-pods",
    title: "no two monitored Services send to the same pods",
    station: Station::Service,
    level: Level::Warn,
    needs: &["T401"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let (prometheus, found) = monitored(facts, component).into_iter().find(|(_, s)| s.len() > 1)?;
    let services: Vec<_> = found.keys().filter_map(|i| facts.services(component).get(*i)).collect();
    let list: Vec<&str> = services.iter().map(|s| s.service.meta.name.as_str()).collect();
    let title = format!(
        "{} send to the same pods of {} and are both monitored: each sample twice",
        list.join(" and "),
        component.title()
    );
    // The operator's stays; else the first by name.
    let spare = services.iter().rev().find(|s| !s.by_operator)?;
    let mut finding = Finding::new(title).cause_ref(spare.reference(), "spec.selector", "");
    for (index, monitor) in &found {
        let service = facts.services(component).get(*index)?;
        let kept = if service.by_operator { "kept by Tigera's operator" } else { "" };
        let port = service.metrics_port.and_then(|j| service.service.ports.get(j)).map(|p| p.name.clone());
        finding = finding.row(service.reference().to_string(), "", kept).row(
            "port",
            port.unwrap_or_default(),
            format!("by {}", facts.monitors.get(*monitor)?.object.reference()),
        );
    }
    finding = finding.row("read by", prometheus, "");
    let fix = match kept_by(&spare.service.meta, facts.snap) {
        Some(keeper) => Fix::Outside(format!(
            "delete {}; it is kept by {keeper}: {}",
            spare.reference(),
            keeper.where_to_change()
        )),
        None => {
            let command =
                Command::kubectl(&facts.snap.identity).delete(&spare.reference(), "services");
            Fix::Commands { auto: Auto::Ask, commands: vec![command] }
        }
    };
    Some(Judged::warn(entity, finding.fix(fix)))
}

/// For each Prometheus, the Services it reaches the metrics through, each with one monitor.
fn monitored(facts: &Facts<'_>, component: Component) -> BTreeMap<String, BTreeMap<usize, usize>> {
    let mut out: BTreeMap<String, BTreeMap<usize, usize>> = BTreeMap::new();
    for branch in facts.branches.get(&component).into_iter().flatten().filter(|b| b.whole()) {
        let monitor = facts.monitor(branch);
        let Some(prometheus) = facts.prometheus(branch).filter(|_| monitor.kind == Kind::Service) else {
            continue;
        };
        for (i, service) in facts.services(component).iter().enumerate() {
            let port = service.metrics_port.and_then(|j| service.service.ports.get(j));
            let hit = service.sends
                && selects_service(monitor, service)
                && port.is_some_and(|p| names(&monitor.port, &p.name));
            if hit {
                out.entry(prometheus.name.clone()).or_default().insert(i, branch.monitor);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Objects, Options, set};

    fn second(o: &mut Objects, monitored: bool) {
        let mut service = o.get("Service", "tortie-felix-metrics").clone();
        set(&mut service, "/metadata/name", json!("felix-metrics-svc"));
        if !monitored {
            set(&mut service, "/metadata/labels", json!({}));
        }
        o.add(service);
    }

    #[track_caller]
    fn check(monitored: bool, expect: &[&str]) {
        assert_eq!(findings("T408", &snapshot(&Options::default(), |o| second(o, monitored))), expect);
    }

    #[test]
    fn only_what_is_monitored_doubles() {
        check(false, &[]);
        check(
            true,
            &[
                "warn felix: tortie-felix-metrics and felix-metrics-svc send to the same pods of Felix and are both monitored: \
               each sample twice",
            ],
        );
    }

    #[test]
    fn the_command_deletes_the_one_that_came_last() {
        assert_eq!(
            mends("T408", &snapshot(&Options::default(), |o| second(o, true))),
            ["kubectl --context=test -n calico-system delete services felix-metrics-svc"]
        );
    }
}
