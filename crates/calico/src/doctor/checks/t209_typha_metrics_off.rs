//! # Typha's metrics are on
//!
//! **Looks at** `TYPHA_PROMETHEUSMETRICSENABLED` in the environment of Typha's Deployment: Typha has no other setting. With
//! Tigera's operator it comes from `Installation.spec.typhaMetricsPort`.
//!
//! **Why it breaks silently.** Typha is off by default in every install. Nothing listens, and all the rest looks right.
//!
//! **How to mend.** With the operator set `typhaMetricsPort` (9093; not 9091, which is Felix' on the same nodes). Never edit
//! the Deployment: the operator takes the edit back within seconds. From Calico 3.28 the operator then makes the Service
//! `calico-typha-metrics` itself, whose port is called `calico-typha-metrics`. Without an operator set the environment.
//! Typha's pods are replaced one by one.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::install::Keeper;
use serde_json::json;
use tortie_cluster::object::{Gvk, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T209",
    slug: "typha-metrics-off",
    title: "Typha's metrics are on",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some(endpoint) = &facts.settings.typha else { return Vec::new() };
    let entity = Entity::of(Component::Typha);
    if endpoint.enabled.value {
        return vec![Judged::pass(entity)];
    }
    let Some(workload) = facts.workloads.get(&Component::Typha) else { return Vec::new() };
    if workload.object.is_none() {
        return vec![Judged::skipped(entity, "Typha's Deployment is not in this source")];
    }
    // Set and taken away is T210's to say; set in the Installation and not yet done is T215's.
    let operated = facts.install.keeper == Keeper::Operator;
    let waits = operated && facts.settings.typha_metrics_port.is_some();
    if waits || super::t210_typha_env_reverted::reverted(facts).is_some() {
        return Vec::new();
    }
    let finding = Finding::new("Typha's metrics are off").row(
        "TYPHA_PROMETHEUSMETRICSENABLED",
        workload.env.get("TYPHA_PROMETHEUSMETRICSENABLED").map_or("unset", String::as_str),
        "Typha's own default is off",
    );
    let finding = match workload.object {
        Some(object) => finding.cause(object, "/spec/template/spec/containers/0/env"),
        None => finding,
    };
    let finding =
        set_port(facts, finding, typha_port(facts, None)).warning("Typha's pods are replaced one by one");
    vec![Judged::fail(entity, finding)]
}

/// A port for Typha that Felix does not have on the same nodes: the wished one, or Typha's own default, or the next.
pub(crate) fn typha_port(facts: &Facts<'_>, wished: Option<u16>) -> u16 {
    let default = Component::Typha.default_port();
    let felix: Vec<u16> = facts.settings.felix.values().map(|e| e.port.value).collect();
    let free = |p: &u16| *p != 0 && !felix.contains(p);
    wished.filter(free).into_iter().chain([default, 9098, 9099, 9097]).find(free).unwrap_or(default)
}

/// Adds the cause and the way to give Typha a metrics port, by who keeps it.
pub(crate) fn set_port(facts: &Facts<'_>, finding: Finding, port: u16) -> Finding {
    const FIELD: &str = "/spec/typhaMetricsPort";
    if facts.install.keeper != Keeper::Operator {
        let Some(workload) = facts.workloads.get(&Component::Typha) else { return finding };
        let text = port.to_string();
        let pairs = [
            ("TYPHA_PROMETHEUSMETRICSENABLED", Some("true")),
            ("TYPHA_PROMETHEUSMETRICSPORT", Some(text.as_str())),
        ];
        return finding.fix(mend::set_env(facts, workload, &pairs, Auto::Ask));
    }
    let Some(object) = mend::installation(facts, FIELD) else {
        let reference = ObjectRef::new(Gvk::new("operator.tigera.io", "v1", "Installation"), "", "default");
        let patch = json!({"spec": {"typhaMetricsPort": port}});
        let command =
            Command::kubectl(&facts.snap.identity).merge(&reference, "installations", &patch);
        return finding.fix(Fix::Commands { auto: Auto::Ask, commands: vec![command] });
    };
    let have = object.at(FIELD).map_or_else(|| "unset".to_owned(), ToString::to_string);
    finding
        .cause(object, FIELD)
        .row(
            format!("{} spec.typhaMetricsPort", object.reference()),
            have,
            "from which the operator sets the environment",
        )
        .fix(mend::set(facts, object, FIELD, json!(port), Auto::Ask))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Kind, Objects, Options, set};

    fn off(kind: Kind, change: impl FnOnce(&mut Objects)) -> crate::snapshot::Snapshot {
        snapshot(&Options { kind, calico: 30, ..Options::default() }, |o| {
            set(o.get("Deployment", "calico-typha"), "/spec/template/spec/containers/0/env", json!([]));
            if kind != Kind::Manifest {
                set(o.get("Installation", "default"), "/spec/typhaMetricsPort", Value::Null);
            }
            change(o);
        })
    }

    #[track_caller]
    fn check(snap: &crate::snapshot::Snapshot, expect: &[&str]) {
        assert_eq!(findings("T209", snap), expect);
    }

    #[test]
    fn it_is_off_until_set() {
        check(&snapshot(&Options::default(), |_| {}), &[]);
        check(&off(Kind::Operator, |_| {}), &["fail typha: Typha's metrics are off"]);
        check(&off(Kind::Manifest, |_| {}), &["fail typha: Typha's metrics are off"]);
        // Set, and not yet done: T215.
        check(
            &off(Kind::Operator, |o| {
                set(o.get("Installation", "default"), "/spec/typhaMetricsPort", json!(9093))
            }),
            &[],
        );
    }

    #[test]
    fn each_install_has_its_own_way() {
        assert_eq!(
            mends("T209", &off(Kind::Operator, |_| {})),
            ["kubectl --context=test patch installations.v1.operator.tigera.io default --type=merge -p \
              '{\"spec\":{\"typhaMetricsPort\":9093}}'"]
        );
        assert_eq!(
            mends("T209", &off(Kind::Manifest, |_| {})),
            ["kubectl --context=test -n kube-system set env deployment/calico-typha \
              TYPHA_PROMETHEUSMETRICSENABLED=true TYPHA_PROMETHEUSMETRICSPORT=9093"]
        );
        assert_eq!(
            mends("T209", &off(Kind::Helm, |_| {})),
            ["edit Installation default /spec/typhaMetricsPort = 9093: kept by the Helm release calico: \
              change it in the values of the Helm release calico; the line is installation.typhaMetricsPort: 9093"]
        );
    }
}
