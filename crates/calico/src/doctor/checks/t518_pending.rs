//! # The chain has had the time it needs
//!
//! **Looks at** when the monitor was made or last changed.
//!
//! **Why it is asked.** From a new monitor to the first sample several take their time: prometheus-operator writes the
//! configuration, the kubelet refreshes the Secret in the pod (up to a minute), the reloader tells Prometheus, and the first
//! scrape waits for its turn. A monitor younger than two minutes is not broken.
//!
//! **How to mend.** Wait: `tortie doctor --wait` ends as soon as the samples arrive.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::monitors::Monitor;

pub(crate) static CHECK: Check = Check {
    id: "T518",
    slug: "pending",
    title: "the chain has had the time it needs",
    station: Station::Selected,
    level: Level::Info,
    needs: &["T502"],
    evidence: &[Evidence::Objects],
    symptom: true,
    judge,
};

/// Operator, kubelet and reloader together, milliseconds.
pub(crate) const DELAY: i64 = 120_000;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component).filter(|b| b.whole())?;
    let entity = Entity::of(component).in_prometheus(facts.prometheus(branch)?.name.clone());
    if facts.samples_arrive(component) {
        return Some(Judged::pass(entity));
    }
    match age(facts, facts.monitor(branch)) {
        Some(age) if age < DELAY => {
            let text = format!(
                "the monitor changed {} s ago; operator, kubelet and reloader need up to 2 min",
                age / 1000
            );
            Some(Judged::pending(entity, text))
        }
        _ => Some(Judged::pass(entity)),
    }
}

/// Whether a component has no target yet because its monitor is young; where nothing of Calico has any, that has another
/// cause.
pub(crate) fn young(facts: &Facts<'_>, component: Component) -> bool {
    let others = facts.installed().any(|c| !facts.targets(c).is_empty());
    let way = facts.best(component).filter(|b| b.whole());
    let age = way.and_then(|b| age(facts, facts.monitor(b)));
    facts.targets(component).is_empty() && others && age.is_some_and(|a| a < DELAY)
}

/// Milliseconds since the monitor was made or its specification last changed; nothing when nobody says when.
pub(crate) fn age(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Option<i64> {
    let meta = &monitor.object.meta;
    let written = meta.managed.iter().filter(|m| m.subresource.is_empty()).filter_map(|m| m.time).max();
    let last = written.max(meta.created)?;
    (facts.snap.at >= last).then(|| facts.snap.at - last)
}

#[cfg(test)]
mod tests {
    use crate::testing::{judged, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(created: &str, expect: &str) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/metadata/creationTimestamp", json!(created));
        });
        assert_eq!(judged("T518", &snap)[0].note, expect);
    }

    #[test]
    fn a_young_monitor_is_pending() {
        check("2026-01-05T10:00:00Z", "");
        // The snapshot is of 2026-01-07T09:00:00Z.
        check(
            "2026-01-07T08:59:20Z",
            "the monitor changed 40 s ago; operator, kubelet and reloader need up to 2 min",
        );
    }
}
