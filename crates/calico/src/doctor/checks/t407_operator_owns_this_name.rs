//! # The operator took the Service over and calls its port otherwise
//!
//! **Looks at** the Service `calico-typha-metrics`, who keeps it, and the port name that the monitor asks for.
//!
//! **Why it breaks silently.** From version 1.34 (Calico 3.28) on, Tigera's operator makes a Service of this name as soon as
//! `Installation.spec.typhaMetricsPort` is set, with a port called `calico-typha-metrics`. One's own Service of the same
//! name is overwritten: labels stay, ports do not. The monitor still asks for the old name, its scrape pool stays empty,
//! and nothing reports it. It strikes after an upgrade, or with the very setting that turns the metrics on.
//!
//! **How to mend.** Ask for the operator's port name. Do not change the Service: the operator puts it back. A Service under
//! a name of your own is not touched by it, but then each pod is scraped by both.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::install::Keeper;
use crate::facts::monitors::{Port, names};
use crate::facts::services::MetricsService;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T407",
    slug: "operator-owns-this-name",
    title: "the monitor asks for the port name of the operator's Service",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T401"],
    evidence: &[Evidence::Objects, Evidence::Managers],
    symptom: false,
    judge,
};

/// Name of the operator's Service and of its port (tigera/operator pkg/render/typha.go).
const NAME: &str = "calico-typha-metrics";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    of(facts).into_iter().collect()
}

fn of(facts: &Facts<'_>) -> Option<Judged> {
    let component = Component::Typha;
    let branch = facts.best(component)?;
    if let Some(service) = taken_over(facts, branch) {
        return Some(Judged::fail(Entity::of(component), finding(facts, branch, service)));
    }
    let service = will_be_taken(facts, branch)?;
    let told = finding(facts, branch, service);
    Some(Judged::ahead(Entity::of(component), told, &["T209", "T210"]))
}

/// The operator's Service that the monitor selects without asking for its port. T507 yields to this.
pub(crate) fn taken_over<'f>(facts: &'f Facts<'_>, branch: &Branch) -> Option<&'f MetricsService<'f>> {
    let Reach::NoPort(services) = &branch.reach else { return None };
    let service = facts.services(branch.component).get(*services.first()?)?;
    (branch.component == Component::Typha && service.by_operator && service.service.meta.name == NAME)
        .then_some(service)
}

/// One's own Service that the operator will overwrite once the metrics are turned on where it looks.
fn will_be_taken<'f>(facts: &'f Facts<'_>, branch: &Branch) -> Option<&'f MetricsService<'f>> {
    let operator =
        facts.install.keeper == Keeper::Operator || facts.snap.assume.install.as_deref() == Some("operator");
    if !operator || !facts.install.since(28) || facts.settings.typha_metrics_port.is_some() {
        return None;
    }
    let Reach::Metrics(Some(index)) = branch.reach else { return None };
    let service = facts.services(branch.component).get(index)?;
    let asks =
        matches!(facts.monitor(branch).port, Port::Name(_)) && !names(&facts.monitor(branch).port, NAME);
    (asks && !service.by_operator && service.service.meta.name == NAME).then_some(service)
}

fn finding(facts: &Facts<'_>, branch: &Branch, service: &MetricsService<'_>) -> Finding {
    let monitor = facts.monitor(branch);
    let wanted = monitor.text("port");
    let (title, kept) = if service.by_operator {
        (
            format!("{NAME} is the operator's now: its port is called {NAME}, and {wanted} is gone"),
            "kept by Tigera's operator",
        )
    } else {
        (
            format!(
                "with typhaMetricsPort set the operator takes {NAME} over: its port becomes {NAME}, and {wanted} is gone"
            ),
            "yours, until the operator makes its own of this name",
        )
    };
    let mut finding = Finding::new(title)
        .cause(monitor.object, &monitor.pointer("port"))
        .heading(monitor.object.reference().to_string())
        .row(monitor.label("port"), wanted, "")
        .row(service.reference().to_string(), "", kept);
    for (i, port) in service.service.ports.iter().enumerate() {
        let label = if i == 0 { "ports" } else { "" };
        finding = finding.row(label, format!("{}  {}", port.name, port.port), "");
    }
    finding
        .fix(mend_link::endpoint(facts, monitor, "port", json!(NAME), Auto::Yes))
        .warning("do not change the Service: the operator puts its own port name back")
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    fn old_name(o: &mut Objects) {
        set(o.get("ServiceMonitor", "calico-typha"), "/spec/endpoints/0/port", json!("typha-metrics"));
    }

    /// One's own Service of the operator's name, before the metrics are on.
    fn own(o: &mut Objects) {
        old_name(o);
        set(o.get("Installation", "default"), "/spec/typhaMetricsPort", Value::Null);
        let service = o.get("Service", "calico-typha-metrics");
        set(service, "/metadata/ownerReferences", Value::Null);
        set(service, "/spec/ports/0/name", json!("typha-metrics"));
        set(o.get("EndpointSlice", "calico-typha-metrics-dv25j"), "/ports/0/name", json!("typha-metrics"));
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T407", &snapshot(&Options::default(), change)), expect);
    }

    #[test]
    fn a_service_taken_over_is_told_and_one_that_will_be() {
        check(|_| {}, &[]);
        check(
            old_name,
            &[
                "fail typha: calico-typha-metrics is the operator's now: its port is called calico-typha-metrics, and typha-metrics is gone",
            ],
        );
        check(
            own,
            &[
                "ahead typha: with typhaMetricsPort set the operator takes calico-typha-metrics over: its port becomes \
               calico-typha-metrics, and typha-metrics is gone",
            ],
        );
    }

    #[test]
    fn it_is_the_one_finding_and_changes_the_monitor() {
        let snap = snapshot(&Options::default(), old_name);
        assert_eq!(roots(&snap), ["T407"]);
        assert_eq!(
            mends("T407", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-typha --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"typha-metrics\"},\
              {\"op\":\"replace\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"calico-typha-metrics\"}]'"
            ]
        );
    }
}
