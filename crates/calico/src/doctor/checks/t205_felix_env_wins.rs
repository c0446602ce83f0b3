//! # The environment does not contradict FelixConfiguration
//!
//! **Looks at** `FELIX_PROMETHEUSMETRICS*` of the DaemonSet (which `Installation.spec.nodeMetricsPort` sets) beside the fields
//! of FelixConfiguration `default`.
//!
//! **Why it breaks silently.** The environment beats every resource. FelixConfiguration then shows a port, or `true`, that no
//! Felix follows, and whoever reads it builds Services and monitors for the wrong port.
//!
//! **How to mend.** Let both say the same, or keep one of them. The command makes FelixConfiguration repeat what the
//! environment says, which changes nothing that runs; a variable that turns the metrics off is taken away.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::settings::Layer;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T205",
    slug: "felix-env-wins",
    title: "the environment does not contradict FelixConfiguration",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const PORT: &str = "/spec/prometheusMetricsPort";
const ENABLED: &str = "/spec/prometheusMetricsEnabled";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some(workload) = facts.workloads.get(&Component::Felix) else { return Vec::new() };
    let Some(endpoint) = facts.settings.of_component(Component::Felix) else { return Vec::new() };
    let entity = Entity::of(Component::Felix);
    if let Layer::Env(name) = &endpoint.enabled.from
        && !endpoint.enabled.value
    {
        let title = format!("{name} in the DaemonSet's environment turns Felix' metrics off");
        let fix = if workload.kept_by_operator() {
            Fix::Outside(format!("take {name} out of whatever sets it: Tigera's operator does not"))
        } else {
            mend::set_env(facts, workload, &[(name.as_str(), None)], Auto::Ask)
        };
        let finding = Finding::new(title)
            .row(
                name.clone(),
                workload.env.get(name).cloned().unwrap_or_default(),
                "beats every FelixConfiguration",
            )
            .fix(fix);
        let finding = mend::cause_of(finding, facts, Component::Felix, &endpoint.enabled.from);
        return vec![Judged::fail(entity, finding)];
    }
    let Some(object) = facts.settings.felix_default else { return vec![Judged::pass(entity)] };
    let Layer::Env(name) = &endpoint.port.from else { return vec![Judged::pass(entity)] };
    let said = object.at(PORT).and_then(Value::as_u64);
    let off = object.at(ENABLED) == Some(&Value::Bool(false));
    let (pointer, value) = match said {
        Some(port) if port != u64::from(endpoint.port.value) => (PORT, json!(endpoint.port.value)),
        _ if off => (ENABLED, json!(true)),
        _ => return vec![Judged::pass(entity)],
    };
    let have = object.at(pointer).map(ToString::to_string).unwrap_or_default();
    let title = if pointer == PORT {
        format!(
            "the environment says port {}, FelixConfiguration {have}; the environment wins",
            endpoint.port.value
        )
    } else {
        "FelixConfiguration says off, the environment on; the environment wins".to_owned()
    };
    let source = match facts.settings.node_metrics_port {
        Some(_) => "set by Installation.spec.nodeMetricsPort",
        None => "set in the DaemonSet",
    };
    let finding = Finding::new(title)
        .cause(object, pointer)
        .row(name.clone(), endpoint.port.value.to_string(), source)
        .row(
            format!("{} {}", object.reference(), crate::doctor::finding::written(pointer)),
            have,
            "not followed",
        )
        .fix(mend::set(facts, object, pointer, value, Auto::Ask));
    vec![Judged::warn(entity, finding)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Kind, Options, set};

    fn with(env: &[(&str, &str)], port: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options { kind: Kind::Manifest, ..Options::default() }, |o| {
            let list: Vec<Value> = env.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
            set(o.get("DaemonSet", "calico-node"), "/spec/template/spec/containers/0/env", json!(list));
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsPort", port);
        })
    }

    const ON: (&str, &str) = ("FELIX_PROMETHEUSMETRICSENABLED", "true");

    #[track_caller]
    fn check(env: &[(&str, &str)], port: Value, expect: &[&str]) {
        assert_eq!(findings("T205", &with(env, port)), expect, "{env:?}");
    }

    #[test]
    fn both_must_say_the_same() {
        check(&[], json!(9091), &[]);
        check(&[ON, ("FELIX_PROMETHEUSMETRICSPORT", "9090")], Value::Null, &[]);
        check(&[ON, ("FELIX_PROMETHEUSMETRICSPORT", "9090")], json!(9090), &[]);
        check(
            &[ON, ("FELIX_PROMETHEUSMETRICSPORT", "9090")],
            json!(9091),
            &["warn felix: the environment says port 9090, FelixConfiguration 9091; the environment wins"],
        );
        check(
            &[("FELIX_PROMETHEUSMETRICSENABLED", "false")],
            Value::Null,
            &[
                "fail felix: FELIX_PROMETHEUSMETRICSENABLED in the DaemonSet's environment turns Felix' metrics off",
            ],
        );
    }

    #[test]
    fn the_loser_is_changed() {
        assert_eq!(
            mends("T205", &with(&[ON, ("FELIX_PROMETHEUSMETRICSPORT", "9090")], json!(9091))),
            [
                "kubectl --context=test patch felixconfigurations.v1.crd.projectcalico.org default --type=json -p \
                 '[{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsPort\",\"value\":9091},\
                 {\"op\":\"replace\",\"path\":\"/spec/prometheusMetricsPort\",\"value\":9090}]'"
            ]
        );
        assert_eq!(
            mends("T205", &with(&[("FELIX_PROMETHEUSMETRICSENABLED", "false")], Value::Null)),
            [
                "kubectl --context=test -n kube-system set env daemonset/calico-node FELIX_PROMETHEUSMETRICSENABLED-"
            ]
        );
    }
}
