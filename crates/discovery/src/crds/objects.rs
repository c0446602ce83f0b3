//! The custom resources of a cluster as they are known now: decoded once, with the defaults that their definitions give.

use super::types::{
    Alertmanager, AlertmanagerConfig, LabelSelector, Meta, PodMonitor, Probe, Prometheus, PrometheusRule,
    ScrapeConfig, ServiceMonitor,
};
use super::unread;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kinds of discovery that a ScrapeConfig may name and tortie has.
const OWN_DISCOVERY: [&str; 5] =
    ["staticConfigs", "fileSDConfigs", "httpSDConfigs", "kubernetesSDConfigs", "dnsSDConfigs"];

/// Namespace and name.
pub type Name = (String, String);

/// An object that could not be read as its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its kind.
    pub kind: &'static str,
    /// `namespace/name`.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// All custom resources, by namespace and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    /// Prometheus objects.
    pub prometheuses: BTreeMap<Name, Arc<Prometheus>>,
    /// ServiceMonitors.
    pub service_monitors: BTreeMap<Name, Arc<ServiceMonitor>>,
    /// PodMonitors.
    pub pod_monitors: BTreeMap<Name, Arc<PodMonitor>>,
    /// Probes.
    pub probes: BTreeMap<Name, Arc<Probe>>,
    /// ScrapeConfigs.
    pub scrape_configs: BTreeMap<Name, Arc<ScrapeConfig>>,
    /// PrometheusRules.
    pub rules: BTreeMap<Name, Arc<PrometheusRule>>,
    /// Alertmanagers.
    pub alertmanagers: BTreeMap<Name, Arc<Alertmanager>>,
    /// AlertmanagerConfigs.
    pub alertmanager_configs: BTreeMap<Name, Arc<AlertmanagerConfig>>,
    /// Labels of the namespaces.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl Objects {
    /// Takes an object as the API server or a file gives it; other kinds are passed over. True when it was taken.
    ///
    /// # Errors
    /// When the object is not as its definition says; it is then left out, and an older state of it too.
    pub fn insert(&mut self, body: &Value) -> Result<bool, Unreadable> {
        self.insert_as(body.get("kind").and_then(Value::as_str).unwrap_or(""), body)
    }

    /// As [`Objects::insert`] for an object that does not say its kind, such as an element of a list.
    ///
    /// # Errors
    /// As [`Objects::insert`].
    pub fn insert_as(&mut self, kind: &str, body: &Value) -> Result<bool, Unreadable> {
        let meta = meta(body);
        let name = (meta.namespace.clone(), meta.name.clone());
        match kind {
            "Prometheus" => {
                self.prometheuses.remove(&name);
                let spec = decode("Prometheus", &meta, body)?;
                let unread = unread::of(body.get("spec").and_then(Value::as_object));
                self.prometheuses.insert(name, Arc::new(Prometheus { meta, spec, unread }));
            }
            "ServiceMonitor" => {
                self.service_monitors.remove(&name);
                let spec = decode("ServiceMonitor", &meta, body)?;
                self.service_monitors.insert(name, Arc::new(ServiceMonitor { meta, spec }));
            }
            "PodMonitor" => {
                self.pod_monitors.remove(&name);
                let spec = decode("PodMonitor", &meta, body)?;
                self.pod_monitors.insert(name, Arc::new(PodMonitor { meta, spec }));
            }
            "Probe" => {
                self.probes.remove(&name);
                let spec = decode("Probe", &meta, body)?;
                self.probes.insert(name, Arc::new(Probe { meta, spec }));
            }
            "ScrapeConfig" => {
                self.scrape_configs.remove(&name);
                let foreign = foreign(body);
                let spec = decode("ScrapeConfig", &meta, body)?;
                self.scrape_configs.insert(name, Arc::new(ScrapeConfig { meta, spec, foreign }));
            }
            "PrometheusRule" => {
                self.rules.remove(&name);
                let spec = decode("PrometheusRule", &meta, body)?;
                self.rules.insert(name, Arc::new(PrometheusRule { meta, spec }));
            }
            "Alertmanager" => {
                self.alertmanagers.remove(&name);
                let spec = decode("Alertmanager", &meta, body)?;
                self.alertmanagers.insert(name, Arc::new(Alertmanager { meta, spec }));
            }
            "AlertmanagerConfig" => {
                self.alertmanager_configs.remove(&name);
                let spec = decode("AlertmanagerConfig", &meta, body)?;
                self.alertmanager_configs.insert(name, Arc::new(AlertmanagerConfig { meta, spec }));
            }
            "Namespace" => {
                self.namespaces.insert(meta.name, meta.labels);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether a selector of namespaces takes one; null takes that of the object whose selector it is.
    pub(super) fn in_namespace(&self, selector: Option<&LabelSelector>, own: &str, namespace: &str) -> bool {
        match selector {
            None => namespace == own,
            // A namespace that is not known is not there.
            Some(s) => self.namespaces.get(namespace).is_some_and(|labels| s.matches(labels)),
        }
    }

    /// Identities of the monitors and rules, by kind and `namespace/name`.
    pub(super) fn uids(&self) -> BTreeMap<(&'static str, String), String> {
        let one = |kind, meta: &Meta| ((kind, meta.key()), meta.uid.clone());
        let services = self.service_monitors.values().map(|o| one("ServiceMonitor", &o.meta));
        let pods = self.pod_monitors.values().map(|o| one("PodMonitor", &o.meta));
        let probes = self.probes.values().map(|o| one("Probe", &o.meta));
        let scrapes = self.scrape_configs.values().map(|o| one("ScrapeConfig", &o.meta));
        let rules = self.rules.values().map(|o| one("PrometheusRule", &o.meta));
        services.chain(pods).chain(probes).chain(scrapes).chain(rules).collect()
    }

    /// Forgets an object. True when it was known.
    pub fn remove(&mut self, kind: &str, namespace: &str, name: &str) -> bool {
        let at = (namespace.to_owned(), name.to_owned());
        match kind {
            "Prometheus" => self.prometheuses.remove(&at).is_some(),
            "ServiceMonitor" => self.service_monitors.remove(&at).is_some(),
            "PodMonitor" => self.pod_monitors.remove(&at).is_some(),
            "Probe" => self.probes.remove(&at).is_some(),
            "ScrapeConfig" => self.scrape_configs.remove(&at).is_some(),
            "PrometheusRule" => self.rules.remove(&at).is_some(),
            "Alertmanager" => self.alertmanagers.remove(&at).is_some(),
            "AlertmanagerConfig" => self.alertmanager_configs.remove(&at).is_some(),
            "Namespace" => self.namespaces.remove(name).is_some(),
            _ => false,
        }
    }
}

fn meta(body: &Value) -> Meta {
    let at = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    let labels = body.pointer("/metadata/labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
    Meta {
        namespace: at("/metadata/namespace"),
        name: at("/metadata/name"),
        uid: at("/metadata/uid"),
        labels: labels.collect(),
    }
}

fn decode<T: DeserializeOwned>(kind: &'static str, meta: &Meta, body: &Value) -> Result<T, Unreadable> {
    let mut spec = body.get("spec").cloned().unwrap_or_else(|| json!({}));
    without_nulls(&mut spec);
    if let Value::Object(spec) = &mut spec {
        defaults(kind, spec);
    }
    serde_json::from_value(spec).map_err(|e| Unreadable { kind, key: meta.key(), reason: e.to_string() })
}

/// A field that is null is not there.
fn without_nulls(v: &mut Value) {
    match v {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The defaults of the definitions, which an API server has filled in already.
fn defaults(kind: &str, spec: &mut Map<String, Value>) {
    let default = |map: &mut Map<String, Value>, key: &str, value: Value| {
        map.entry(key.to_owned()).or_insert(value);
    };
    match kind {
        "Prometheus" => {
            default(spec, "scrapeInterval", json!("30s"));
            default(spec, "evaluationInterval", json!("30s"));
            default(spec, "shards", json!(1));
            let excluded = spec.get_mut("excludedFromEnforcement").and_then(Value::as_array_mut);
            for reference in excluded.into_iter().flatten().filter_map(Value::as_object_mut) {
                default(reference, "group", json!("monitoring.coreos.com"));
            }
        }
        "Probe" => {
            if let Some(prober) = spec.get_mut("prober").and_then(Value::as_object_mut) {
                default(prober, "path", json!("/probe"));
            }
        }
        _ => {}
    }
    actions(spec);
}

/// Every relabelling rule has an action.
fn actions(map: &mut Map<String, Value>) {
    const LISTS: [&str; 5] =
        ["relabelings", "metricRelabelings", "relabelingConfigs", "writeRelabelConfigs", "alertRelabelings"];
    for (key, value) in map {
        let is_rules = LISTS.contains(&key.as_str());
        match value {
            Value::Object(inner) => actions(inner),
            Value::Array(items) => {
                for item in items.iter_mut().filter_map(Value::as_object_mut) {
                    if is_rules {
                        item.entry("action").or_insert_with(|| json!("replace"));
                    } else {
                        actions(item);
                    }
                }
            }
            _ => {}
        }
    }
}

fn foreign(body: &Value) -> Vec<String> {
    let spec = body.get("spec").and_then(Value::as_object);
    let names = spec.into_iter().flatten().filter(|(_, v)| v.as_array().is_some_and(|l| !l.is_empty()));
    let names = names.map(|(k, _)| k.as_str());
    let sd = names.filter(|k| k.ends_with("SDConfigs") && !OWN_DISCOVERY.contains(k));
    sd.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, spec: &Value) -> Value {
        json!({"kind": kind, "metadata": {"namespace": "ns", "name": "x", "labels": {"a": "b"}}, "spec": spec})
    }

    #[test]
    fn defaults_are_those_of_the_definitions() {
        let mut objects = Objects::default();
        let spec = json!({"scrapeTimeout": null, "scrapeClasses": [{"name": "c", "relabelings": [{"targetLabel": "x"}]}]});
        assert_eq!(objects.insert(&object("Prometheus", &spec)), Ok(true));
        let p = objects.prometheuses.values().next().unwrap();
        assert_eq!((p.spec.scrape_interval.as_str(), p.spec.shards), ("30s", Some(1)));
        assert_eq!(p.spec.scrape_classes[0].relabelings[0].action, "replace");
        assert_eq!(p.spec.service_monitor_selector, None);
    }

    #[test]
    fn a_wrong_object_is_named_and_left_out() {
        let mut objects = Objects::default();
        objects.insert(&object("ServiceMonitor", &json!({"endpoints": [{"port": "a"}]}))).unwrap();
        let e = objects.insert(&object("ServiceMonitor", &json!({"endpoints": [{"port": 1}]}))).unwrap_err();
        assert_eq!((e.kind, e.key.as_str()), ("ServiceMonitor", "ns/x"));
        assert!(objects.service_monitors.is_empty());
    }

    #[test]
    fn discovery_that_is_not_there_is_known_by_name() {
        let mut objects = Objects::default();
        let spec = json!({"consulSDConfigs": [{"server": "x"}], "staticConfigs": [{"targets": ["a:1"]}]});
        objects.insert(&object("ScrapeConfig", &spec)).unwrap();
        assert_eq!(objects.scrape_configs.values().next().unwrap().foreign, ["consulSDConfigs"]);
    }
}
