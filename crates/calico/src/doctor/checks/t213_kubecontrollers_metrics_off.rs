//! # kube-controllers' metrics are on
//!
//! **Looks at** `prometheusMetricsPort` of KubeControllersConfiguration `default`, and at what its status says is running.
//!
//! **Why it breaks silently.** They are on by default (9094), because kube-controllers writes that default into the object
//! when it makes it. An object that was applied by hand without the field has no default and means 0: nothing listens, and
//! Tigera's operator reads the same 0 and removes the Service.
//!
//! **How to mend.** Set the port. kube-controllers restarts; the operator makes its Service again, headless, with the port
//! name `metrics-port`.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T213",
    slug: "kubecontrollers-metrics-off",
    title: "kube-controllers' metrics are on",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const PORT: &str = "/spec/prometheusMetricsPort";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some(endpoint) = &facts.settings.kube_controllers else { return Vec::new() };
    let entity = Entity::of(Component::KubeControllers);
    if endpoint.enabled.value {
        return vec![Judged::pass(entity)];
    }
    let Some(object) = facts.settings.kube_controllers_object else { return vec![Judged::pass(entity)] };
    let have = object.at(PORT).map_or_else(|| "unset".to_owned(), ToString::to_string);
    let running = object
        .at("/status/runningConfig/prometheusMetricsPort")
        .map_or_else(|| "0".to_owned(), Value::to_string);
    let port = Component::KubeControllers.default_port();
    let finding = Finding::new("kube-controllers' metrics are off")
        .cause(object, PORT)
        .heading(object.reference().to_string())
        .row("spec.prometheusMetricsPort", have, "0 and an object without the field both mean off")
        .row("status.runningConfig", running, "")
        .fix(mend::set(facts, object, PORT, json!(port), Auto::Yes));
    vec![Judged::fail(entity, finding)]
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    fn with(spec: Value, running: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let object = o.get("KubeControllersConfiguration", "default");
            set(object, "/spec/prometheusMetricsPort", spec);
            set(object, "/status/runningConfig/prometheusMetricsPort", running);
        })
    }

    #[track_caller]
    fn check(spec: Value, running: Value, expect: &[&str]) {
        let shown = spec.to_string();
        assert_eq!(findings("T213", &with(spec, running)), expect, "{shown}");
    }

    #[test]
    fn zero_and_nothing_are_off() {
        check(json!(9094), json!(9094), &[]);
        check(Value::Null, json!(9094), &[]);
        check(json!(0), json!(0), &["fail kube-controllers: kube-controllers' metrics are off"]);
        check(Value::Null, Value::Null, &["fail kube-controllers: kube-controllers' metrics are off"]);
    }

    #[test]
    fn the_port_is_set() {
        assert_eq!(
            mends("T213", &with(json!(0), json!(0))),
            [
                "kubectl --context=test patch kubecontrollersconfigurations.v3.projectcalico.org default --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsPort\",\"value\":0},\
              {\"op\":\"replace\",\"path\":\"/spec/prometheusMetricsPort\",\"value\":9094}]'"
            ]
        );
    }
}
