//! # Felix' metrics are on
//!
//! **Looks at** the effective `prometheusMetricsEnabled` of Felix on every node: environment, FelixConfigurations of a node
//! or a node selector, FelixConfiguration `default`, Felix' own default (off).
//!
//! **Why it breaks silently.** Felix is off by default in every install. Nothing listens on 9091, and Services, monitors and
//! Prometheus look right all the way to `connection refused`.
//!
//! **How to mend.** Set it in FelixConfiguration `default`. Each Felix then restarts inside its pod at once; the dataplane
//! goes on forwarding. `Installation.spec.nodeMetricsPort` does the same through the environment and rolls the DaemonSet
//! node by node instead: better on hundreds of nodes.
//!
//! When an override or the environment turns it off, T204 or T205 says so instead.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::settings::Layer;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T203",
    slug: "felix-metrics-off",
    title: "Felix' metrics are on",
    station: Station::On,
    level: Level::Fail,
    needs: &["T201"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

const KIND: &str = "FelixConfiguration";
const ENABLED: &str = "/spec/prometheusMetricsEnabled";

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !facts.has(Component::Felix) {
        return Vec::new();
    }
    let entity = Entity::of(Component::Felix);
    let off: Vec<&str> = facts
        .settings
        .felix
        .iter()
        .filter(|(_, e)| !e.enabled.value && by_default(&e.enabled.from))
        .map(|(node, _)| node.as_str())
        .collect();
    if off.is_empty() {
        return vec![Judged::pass(entity)];
    }
    let default = facts.settings.felix_default;
    if default.is_none() {
        if facts.install.etcd {
            let reason =
                "Calico keeps its settings in etcd; ask `calicoctl get felixconfiguration default -o yaml`";
            return vec![Judged::unknown(entity, reason)];
        }
        let (group, _) = &facts.install.api;
        if let Some(unseen) = facts.snap.unseen_of(&format!("felixconfigurations.{group}")) {
            return vec![Judged::unknown(entity, unseen.reason.clone())];
        }
        if !facts.snap.is_whole() {
            return vec![Judged::skipped(entity, "no FelixConfiguration is among the files")];
        }
    }
    vec![Judged::fail(entity, finding(facts, off.len()))]
}

/// Whether nothing above the resource `default` decided it.
fn by_default(layer: &Layer<'_>) -> bool {
    match layer {
        Layer::BuiltIn => true,
        Layer::Env(_) => false,
        Layer::Field(object, _) => object.meta.name == "default",
    }
}

fn finding(facts: &Facts<'_>, nodes: usize) -> Finding {
    let finding = Finding::new("Felix' metrics are off").warning(format!(
        "Felix restarts inside its pod on {nodes} node{} when this is set; traffic goes on",
        if nodes == 1 { "" } else { "s" }
    ));
    let Some(object) = facts.settings.felix_default else {
        return finding
            .cause_ref(mend::setting_ref(facts, KIND), "spec.prometheusMetricsEnabled", "")
            .row("FelixConfiguration default", "absent", "Felix' own default is off")
            .fix(mend::create_setting(facts, KIND, "prometheusMetricsEnabled", json!(true)));
    };
    let have = object.at(ENABLED).map_or_else(|| "unset".to_owned(), ToString::to_string);
    let fix: Fix = mend::set(facts, object, ENABLED, json!(true), Auto::Yes);
    finding
        .cause(object, ENABLED)
        .heading(object.reference().to_string())
        .row("prometheusMetricsEnabled", have, "Felix' own default is off")
        .fix(fix)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Kind, Options, set};

    fn with(value: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsEnabled", value);
        })
    }

    #[track_caller]
    fn check(value: Value, expect: &[&str]) {
        let shown = value.to_string();
        assert_eq!(findings("T203", &with(value)), expect, "{shown}");
    }

    #[test]
    fn it_must_be_set() {
        check(json!(true), &[]);
        check(json!(false), &["fail felix: Felix' metrics are off"]);
        check(Value::Null, &["fail felix: Felix' metrics are off"]);
    }

    #[test]
    fn the_commands_can_be_pasted() {
        let start = "kubectl --context=test patch felixconfigurations.v3.projectcalico.org default";
        assert_eq!(
            mends("T203", &with(Value::Null)),
            [format!("{start} --type=merge -p '{{\"spec\":{{\"prometheusMetricsEnabled\":true}}}}'")]
        );
        assert_eq!(
            mends("T203", &with(json!(false))),
            [format!(
                "{start} --type=json -p '[{{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsEnabled\",\"value\":false}},\
                 {{\"op\":\"replace\",\"path\":\"/spec/prometheusMetricsEnabled\",\"value\":true}}]'"
            )]
        );
    }

    #[test]
    fn a_missing_object_is_made() {
        let snap = snapshot(&Options { kind: Kind::Manifest, ..Options::default() }, |o| {
            o.remove("FelixConfiguration", "default");
        });
        assert_eq!(
            mends("T203", &snap),
            [
                "kubectl --context=test apply -f - <<'EOF'\napiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\n\
                 metadata:\n  name: default\nspec:\n  prometheusMetricsEnabled: true\nEOF"
            ]
        );
    }
}
