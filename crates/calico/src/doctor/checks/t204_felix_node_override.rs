//! # No override turns Felix' metrics off on some nodes
//!
//! **Looks at** FelixConfigurations other than `default`: those named `node.NODE`, and from Calico 3.32 those with a
//! `nodeSelector`.
//!
//! **Why it breaks silently.** They beat `default`. One made years ago for a single node (to debug it, to move a port) keeps
//! that node dark, or on another port than its Service, while `kubectl get felixconfiguration default` shows everything on.
//!
//! **How to mend.** Set the field in the override, or take it out there, so that `default` counts.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::settings::Layer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T204",
    slug: "felix-node-override",
    title: "no override turns Felix' metrics off on some nodes",
    station: Station::On,
    level: Level::Fail,
    needs: &["T203"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !facts.has(Component::Felix) {
        return Vec::new();
    }
    let usual = facts.settings.port(Component::Felix);
    let mut off: BTreeMap<&str, (&Arc<Object>, &'static str, Vec<&str>)> = BTreeMap::new();
    let mut moved: BTreeMap<&str, (&Arc<Object>, &'static str, Vec<&str>)> = BTreeMap::new();
    for (node, endpoint) in &facts.settings.felix {
        if let Some((object, pointer)) = overriding(&endpoint.enabled.from)
            && !endpoint.enabled.value
        {
            off.entry(&object.meta.name).or_insert((object, pointer, Vec::new())).2.push(node);
        } else if let Some((object, pointer)) = overriding(&endpoint.port.from)
            && endpoint.enabled.value
            && endpoint.port.value != usual
        {
            moved.entry(&object.meta.name).or_insert((object, pointer, Vec::new())).2.push(node);
        }
    }
    let mut out = Vec::new();
    for (object, pointer, nodes) in off.into_values() {
        let title = format!(
            "{} turns Felix' metrics off on {}, which beats default",
            object.reference(),
            nodes.join(", ")
        );
        let finding = finding(facts, object, pointer, title, &nodes);
        out.extend(nodes.iter().map(|n| Judged::fail(Entity::of(Component::Felix).on(*n), finding.clone())));
    }
    for (object, pointer, nodes) in moved.into_values() {
        let title =
            format!("{} moves Felix' metrics to another port on {}", object.reference(), nodes.join(", "));
        let finding = finding(facts, object, pointer, title, &nodes)
            .warning(format!("a Service has one target port: these nodes are not where it sends, {usual}"));
        out.extend(nodes.iter().map(|n| Judged::warn(Entity::of(Component::Felix).on(*n), finding.clone())));
    }
    if !out.is_empty() {
        return out;
    }
    let entity = Entity::of(Component::Felix);
    // Which nodes a selector means is not known without their labels.
    let selecting =
        |group| facts.snap.of(group, "FelixConfiguration").any(|o| o.at("/spec/nodeSelector").is_some());
    let by_labels = selecting("projectcalico.org") || selecting("crd.projectcalico.org");
    let blind = blind::list(facts, &entity, "nodes").filter(|_| by_labels);
    vec![blind.unwrap_or_else(|| Judged::pass(entity))]
}

/// The object and field of a layer that is an override.
fn overriding<'a>(layer: &Layer<'a>) -> Option<(&'a Arc<Object>, &'static str)> {
    match layer {
        Layer::Field(object, pointer) if object.meta.name != "default" => Some((*object, *pointer)),
        _ => None,
    }
}

fn finding(facts: &Facts<'_>, object: &Object, pointer: &str, title: String, nodes: &[&str]) -> Finding {
    let value = object.at(pointer).map(ToString::to_string).unwrap_or_default();
    Finding::new(title)
        .cause(object, pointer)
        .heading(object.reference().to_string())
        .row(pointer.trim_start_matches("/spec/"), value, format!("on {}", nodes.join(", ")))
        .fix(mend::set(facts, object, pointer, Value::Null, Auto::Ask))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, object};

    fn with(name: &str, spec: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            o.add(object("projectcalico.org/v3", "FelixConfiguration", "", name, spec));
        })
    }

    #[track_caller]
    fn check(name: &str, spec: Value, expect: &[&str]) {
        assert_eq!(findings("T204", &with(name, spec)), expect, "{name}");
    }

    #[test]
    fn overrides_beat_default() {
        check("node.n3", json!({"logSeverityScreen": "Debug"}), &[]);
        check("node.n9", json!({"prometheusMetricsEnabled": false}), &[]);
        check(
            "node.n3",
            json!({"prometheusMetricsEnabled": false}),
            &[
                "fail felix node/n3: FelixConfiguration node.n3 turns Felix' metrics off on n3, which beats default",
            ],
        );
        check(
            "rack",
            json!({"nodeSelector": "kubernetes.io/hostname in {'n1','n2'}", "prometheusMetricsEnabled": false}),
            &[
                "fail felix node/n1: FelixConfiguration rack turns Felix' metrics off on n1, n2, which beats default",
                "fail felix node/n2: FelixConfiguration rack turns Felix' metrics off on n1, n2, which beats default",
            ],
        );
        check(
            "node.n3",
            json!({"prometheusMetricsPort": 9099}),
            &["warn felix node/n3: FelixConfiguration node.n3 moves Felix' metrics to another port on n3"],
        );
    }

    #[test]
    fn the_field_is_taken_out() {
        assert_eq!(
            mends("T204", &with("node.n3", json!({"prometheusMetricsEnabled": false}))),
            ["kubectl --context=test patch felixconfigurations.v3.projectcalico.org node.n3 --type=json -p \
                 '[{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsEnabled\",\"value\":false},\
                 {\"op\":\"remove\",\"path\":\"/spec/prometheusMetricsEnabled\"}]'"]
        );
    }
}
