//! Which Alertmanager object selects which AlertmanagerConfig. There is no Alertmanager in this program yet: the objects
//! are kept and shown, and an AlertmanagerConfig that the operator would refuse is named with its words.
//!
//! Rules: prometheus-operator 0.93, `pkg/alertmanager/operator.go` (`selectAlertmanagerConfigs`).

use super::accept;
use super::objects::Objects;
use super::types::{Alertmanager, AlertmanagerConfig};

/// An AlertmanagerConfig and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSeen {
    /// `namespace/name`.
    pub key: String,
    /// The Alertmanagers that take it, `namespace/name`, ascending; nobody's when empty.
    pub selected_by: Vec<String>,
    /// The operator's words, when it is refused.
    pub refused: Option<String>,
}

/// All AlertmanagerConfigs, ascending by key.
pub fn alertmanager_configs(objects: &Objects) -> Vec<ConfigSeen> {
    let all = objects.alertmanager_configs.values().map(|config| ConfigSeen {
        key: config.meta.key(),
        selected_by: objects
            .alertmanagers
            .values()
            .filter(|am| takes(am, config, objects))
            .map(|am| am.meta.key())
            .collect(),
        refused: accept::alertmanager_config(&config.meta.name, &config.spec).err(),
    });
    let mut all: Vec<ConfigSeen> = all.collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

fn takes(am: &Alertmanager, config: &AlertmanagerConfig, objects: &Objects) -> bool {
    let (spec, of) = (&am.spec, &config.meta);
    let own = &am.meta.namespace;
    if of.namespace == *own
        && spec.alertmanager_configuration.as_ref().is_some_and(|base| base.name == of.name)
    {
        return true;
    }
    objects.in_namespace(spec.alertmanager_config_namespace_selector.as_ref(), own, &of.namespace)
        && spec.alertmanager_config_selector.as_ref().is_some_and(|s| s.matches(&of.labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(am: &Value, labels: &Value, expect: &[&str]) {
        let mut objects = Objects::default();
        for (name, labels) in [("m", json!({})), ("apps", json!({"team": "a"}))] {
            let meta = json!({"name": name, "labels": labels});
            objects.insert(&json!({"kind": "Namespace", "metadata": meta})).unwrap();
        }
        let meta = json!({"namespace": "m", "name": "main"});
        objects.insert(&json!({"kind": "Alertmanager", "metadata": meta, "spec": am})).unwrap();
        let meta = json!({"namespace": "apps", "name": "c", "labels": labels});
        objects.insert(&json!({"kind": "AlertmanagerConfig", "metadata": meta, "spec": {}})).unwrap();
        assert_eq!(alertmanager_configs(&objects)[0].selected_by, expect, "{am}");
    }

    #[test]
    fn null_takes_the_own_namespace_and_empty_all() {
        let all = json!({"alertmanagerConfigSelector": {}, "alertmanagerConfigNamespaceSelector": {}});
        check(&all, &json!({}), &["m/main"]);
        check(&json!({"alertmanagerConfigSelector": {}}), &json!({}), &[]);
        check(&json!({"alertmanagerConfigNamespaceSelector": {}}), &json!({}), &[]);
        let by_label = json!({
            "alertmanagerConfigSelector": {"matchLabels": {"x": "y"}},
            "alertmanagerConfigNamespaceSelector": {"matchLabels": {"team": "a"}},
        });
        check(&by_label, &json!({"x": "y"}), &["m/main"]);
        check(&by_label, &json!({}), &[]);
    }
}
