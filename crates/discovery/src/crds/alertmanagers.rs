//! Which Alertmanager object selects which AlertmanagerConfig, and whether the operator takes it for that one. There is no
//! Alertmanager in this program yet: the objects are kept and shown, and an AlertmanagerConfig that the operator refuses is
//! named with its words.
//!
//! Rules: prometheus-operator 0.93, `pkg/alertmanager/operator.go` (`selectAlertmanagerConfigs`).

use super::accept;
use super::configuration::UNAVAILABLE;
use super::credentials::{Credentials, Store};
use super::objects::{Name, Objects};
use super::types::{Alertmanager, AlertmanagerConfig};
use super::version::Version;

/// The version that the operator takes when the object names none (prometheus-operator 0.93).
const DEFAULT: &str = "v0.33.1";

/// An AlertmanagerConfig and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSeen {
    /// `namespace/name`.
    pub key: String,
    /// The Alertmanagers that select it, ascending; nobody when empty.
    pub selected: Vec<Taken>,
    /// The operator's words when it is refused whoever were to take it; only looked at when nobody selects it.
    pub refused: Option<String>,
}

/// What becomes of an AlertmanagerConfig for one Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// `namespace/name` of the Alertmanager.
    pub by: String,
    /// The operator's words, when it is refused.
    pub refused: Option<String>,
    /// Whether that is not known, because what it refers to could not be read here; `refused` says why.
    pub unavailable: bool,
}

impl ConfigSeen {
    /// Whether it is accepted by all that select it; `None` when that is not known.
    pub fn accepted(&self) -> Option<bool> {
        match self.why() {
            None => Some(true),
            Some((_, true)) => None,
            Some((_, false)) => Some(false),
        }
    }

    /// Why it is refused, and whether that is not known: a refusal before what is not known.
    pub fn why(&self) -> Option<(&str, bool)> {
        let of = |unavailable| {
            let mut all = self.selected.iter().filter(move |t| t.unavailable == unavailable);
            all.find_map(|t| Some((t.refused.as_deref()?, unavailable)))
        };
        of(false).or_else(|| of(true)).or_else(|| Some((self.refused.as_deref()?, false)))
    }
}

/// All AlertmanagerConfigs, and what they refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigsSeen {
    /// Ascending by key.
    pub configs: Vec<ConfigSeen>,
    /// Secrets that were asked for: namespace and name.
    pub secrets: Vec<Name>,
    /// ConfigMaps that were asked for.
    pub config_maps: Vec<Name>,
}

/// Judges all AlertmanagerConfigs. What they refer to is only looked at where an Alertmanager takes them.
pub fn alertmanager_configs(objects: &Objects, credentials: &dyn Credentials) -> ConfigsSeen {
    let store = Store::new(credentials);
    let mut configs: Vec<ConfigSeen> =
        objects.alertmanager_configs.values().map(|config| seen(config, objects, &store)).collect();
    configs.sort_by(|a, b| a.key.cmp(&b.key));
    let (secrets, config_maps) = store.asked();
    ConfigsSeen { configs, secrets, config_maps }
}

fn seen(config: &AlertmanagerConfig, objects: &Objects, store: &Store<'_>) -> ConfigSeen {
    let takers = objects.alertmanagers.values().filter(|am| takes(am, config, objects));
    let taken = takers.map(|am| {
        let judged = version(am).and_then(|v| accept::taken_alertmanager_config(config, &v, store));
        let unavailable = store.take_unread() && judged.is_err();
        let refused = match judged {
            Err(why) if unavailable => Some(format!("{UNAVAILABLE}: {why}")),
            other => other.err(),
        };
        Taken { by: am.meta.key(), refused, unavailable }
    });
    let mut selected: Vec<Taken> = taken.collect();
    selected.sort_by(|a, b| a.by.cmp(&b.by));
    let refused = selected.is_empty().then(|| accept::alertmanager_config(config).err()).flatten();
    ConfigSeen { key: config.meta.key(), selected, refused }
}

/// Its version, when the operator knows it.
fn version(am: &Alertmanager) -> Result<Version, String> {
    let named = Some(am.spec.version.as_str()).filter(|v| !v.is_empty()).unwrap_or(DEFAULT);
    let parsed =
        Version::parse(named).map_err(|e| format!("failed to parse alertmanager version: {}", e.reason()))?;
    match parsed.since("0.15.0") && parsed.major() == 0 {
        true => Ok(parsed),
        false => Err(format!("unsupported Alertmanager version {named:?}")),
    }
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
    use crate::crds::credentials::{Absent, Contents, Known};
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
        let seen = alertmanager_configs(&objects, &Known::default());
        let by: Vec<&str> = seen.configs[0].selected.iter().map(|t| t.by.as_str()).collect();
        assert_eq!(by, expect, "{am}");
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

    /// No right to any Secret but `there`, which is empty.
    struct Rights;

    impl Credentials for Rights {
        fn secret(&self, _: &str, name: &str) -> Result<Contents, Absent> {
            match name {
                "there" => Ok(Contents::default()),
                "gone" => Err(Absent::Missing("secrets \"gone\" not found".into())),
                _ => Err(Absent::Unread("no right".into())),
            }
        }
        fn config_map(&self, _: &str, _: &str) -> Result<Contents, Absent> {
            Err(Absent::Unread("no right".into()))
        }
    }

    /// For Alertmanagers `m/new` and `m/old`, which select everything.
    #[track_caller]
    fn judged(kind: &str, receiver: &Value) -> ConfigSeen {
        let mut objects = Objects::default();
        let place = |objects: &mut Objects, kind: &str, name: &str, spec: Value| {
            let meta = json!({"namespace": "m", "name": name});
            objects.insert(&json!({"kind": kind, "metadata": meta, "spec": spec})).unwrap();
        };
        for (name, version) in [("new", "v0.33.1"), ("old", "0.24.0")] {
            let spec = json!({"alertmanagerConfigSelector": {}, "version": version});
            place(&mut objects, "Alertmanager", name, spec);
        }
        let spec = json!({"receivers": [{"name": "r", kind: [receiver]}], "route": {"receiver": "r"}});
        place(&mut objects, "AlertmanagerConfig", "c", spec);
        alertmanager_configs(&objects, &Rights).configs.remove(0)
    }

    #[test]
    fn each_alertmanager_judges_and_what_could_not_be_read_is_no_refusal() {
        let check = |kind: &str, receiver: Value, accepted: Option<bool>, new: &str, old: &str| {
            let seen = judged(kind, &receiver);
            let words: Vec<&str> =
                seen.selected.iter().map(|t| t.refused.as_deref().unwrap_or_default()).collect();
            assert_eq!((words, seen.accepted()), (vec![new, old], accepted), "{receiver}");
        };
        let of = |name: &str| json!({"apiKey": {"name": name, "key": "k"}});
        let lacks = "key \"k\" in secret \"there\" not found";
        check("opsgenieConfigs", of("there"), Some(false), lacks, lacks);
        let gone = "unable to get secret \"gone\": secrets \"gone\" not found";
        check("opsgenieConfigs", of("gone"), Some(false), gone, gone);
        let unread = "credentials unavailable: unable to get secret \"other\": no right";
        check("opsgenieConfigs", of("other"), None, unread, unread);
        // The old one does not even look for the Secret.
        let url = json!({"apiURL": {"name": "other", "key": "k"}});
        let unread =
            "credentials unavailable: failed to retrieve API URL: unable to get secret \"other\": no right";
        let old = "discordConfigs' is available in Alertmanager >= 0.25.0 only - current 0.24.0";
        check("discordConfigs", url, Some(false), unread, old);
        check("slackConfigs", json!({}), Some(true), "", "");
    }
}
