//! From PrometheusRule objects to rule files, as the operator writes them: one file an object, packed into ConfigMaps whose
//! names are in the files' paths. One bad rule refuses its object alone.
//!
//! Rules: prometheus-operator 0.93, `pkg/operator/rules.go` and `pkg/namespacelabeler`.

use super::enforce::confined;
use super::types::{IntOrString, Prometheus, PrometheusRule, Rule, RuleGroup};
use super::version::Version;
use std::collections::BTreeMap;
use tortie_config::emit::{self, Doc};
use tortie_config::rules::{self, Checks, ExprError};
use tortie_model::names::NameScheme;
use tortie_promql::{Options, parse_expr};
use tortie_template::Limits;

/// Where the operator mounts rule files.
const FOLDER: &str = "/etc/prometheus/rules";
/// Most bytes of one ConfigMap.
const CONFIG_MAP: usize = 524_288;
/// The operator mounts that many ConfigMaps even when there are fewer.
const LEAST: usize = 3;
/// What the operator says of an object with a wrong rule; what exactly is wrong stands in its log alone.
const INVALID: &str = "invalid rule";

/// A rule file of a PrometheusRule object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// `namespace/name` of the object.
    pub key: String,
    /// Its path in a pod of the operator's: `/etc/prometheus/rules/CONFIGMAP/NAMESPACE-NAME-UID.yaml`.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// Why an object is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// In the operator's words.
    pub(super) words: String,
    /// What is wrong, with its place, when the operator's words do not say it.
    pub(super) details: Option<String>,
}

/// Writes rule files for one Prometheus object.
pub(super) struct RuleWriter<'a> {
    prometheus: &'a Prometheus,
    version: &'a Version,
    language: Options,
}

impl<'a> RuleWriter<'a> {
    pub(super) fn new(prometheus: &'a Prometheus, version: &'a Version) -> RuleWriter<'a> {
        let on = |name: &str| prometheus.spec.enable_features.iter().any(|f| f == name);
        let language = Options {
            experimental_functions: on("promql-experimental-functions"),
            binop_fill_modifiers: on("promql-binop-fill-modifiers"),
            ..Options::default()
        };
        RuleWriter { prometheus, version, language }
    }

    /// The file's text of an object.
    pub(super) fn write(&self, rule: &PrometheusRule) -> Result<String, Refused> {
        let groups: Vec<Doc> = rule
            .spec
            .groups
            .iter()
            .map(|g| self.group(g, rule))
            .collect::<Result<_, _>>()
            // The operator leaves such an object out without a word.
            .map_err(|words| Refused { words, details: None })?;
        let entries = if groups.is_empty() { Vec::new() } else { vec![("groups".into(), Doc::List(groups))] };
        let text = emit::emit(&Doc::Map(entries));
        self.check(&text, &rule.meta.key())
            .map_err(|e| Refused { words: INVALID.into(), details: Some(e) })?;
        Ok(text)
    }

    fn check(&self, text: &str, key: &str) -> Result<(), String> {
        if text.len() > CONFIG_MAP {
            return Err(format!(
                "the length of rendered Prometheus Rule is {} bytes which is above the maximum limit of {CONFIG_MAP} bytes",
                text.len()
            ));
        }
        let checks = Checks {
            scheme: if self.version.major() >= 3 { NameScheme::Utf8 } else { NameScheme::Legacy },
            ignore_unknown: false,
            expr: &|expr| {
                parse_expr(expr, &self.language)
                    .map(drop)
                    .map_err(|e| ExprError { message: e.to_string(), offset: e.first.span.start })
            },
            template: &|alert, text| {
                tortie_template::check(&format!("__alert_{alert}"), text, &Limits::default())
                    .map_err(|e| e.message)
            },
        };
        rules::RuleFile::load(text, key, &checks).map(drop).map_err(|d| d.to_string())
    }

    fn group(&self, g: &RuleGroup, of: &PrometheusRule) -> Result<Doc, String> {
        let mut m = Vec::new();
        put(&mut m, "interval", given(g.interval.as_ref()));
        if self.version.since("3.0.0") {
            put(&mut m, "labels", texts(&g.labels));
        }
        if self.version.since("2.31.0") {
            put(&mut m, "limit", g.limit.map(|n| Doc::Raw(n.to_string())));
        }
        put(&mut m, "name", Some(Doc::Text(g.name.clone())));
        if self.version.since("2.53.0") {
            put(&mut m, "query_offset", given(g.query_offset.as_ref()));
        }
        let rules: Vec<Doc> = g.rules.iter().map(|r| self.rule(r, of)).collect::<Result<_, _>>()?;
        put(&mut m, "rules", (!rules.is_empty()).then_some(Doc::List(rules)));
        Ok(Doc::Map(m))
    }

    fn rule(&self, r: &Rule, of: &PrometheusRule) -> Result<Doc, String> {
        let mut labels = r.labels.clone();
        let expr = match self.enforced(of) {
            None => expr(&r.expr),
            Some(label) => {
                labels.insert(label.to_owned(), of.meta.namespace.clone());
                Doc::Text(confined(&r.expr.to_string(), label, &of.meta.namespace)?)
            }
        };
        let mut m = Vec::new();
        let filled = |text: &String| (!text.is_empty()).then(|| Doc::Text(text.clone()));
        put(&mut m, "alert", filled(&r.alert));
        put(&mut m, "annotations", texts(&r.annotations));
        put(&mut m, "expr", Some(expr));
        put(&mut m, "for", given(r.wait.as_ref()));
        if self.version.since("2.42.0") {
            put(&mut m, "keep_firing_for", given(r.keep_firing_for.as_ref()));
        }
        put(&mut m, "labels", texts(&labels));
        put(&mut m, "record", filled(&r.record));
        Ok(Doc::Map(m))
    }

    /// The label that holds the namespace, unless the object is excluded.
    fn enforced(&self, of: &PrometheusRule) -> Option<&str> {
        let spec = &self.prometheus.spec;
        let (namespace, name) = (&of.meta.namespace, &of.meta.name);
        let excluded = spec.excluded_from_enforcement.iter().any(|r| r.names("prometheusrules", &of.meta));
        let deprecated = spec
            .prometheus_rules_excluded_from_enforce
            .iter()
            .any(|r| r.rule_namespace == *namespace && (r.rule_name.is_empty() || r.rule_name == *name));
        let label = spec.enforced_namespace_label.as_str();
        (!label.is_empty() && !excluded && !deprecated).then_some(label)
    }

    /// The files with their paths, and the patterns of `rule_files`. Texts come by file name.
    pub(super) fn packed(&self, texts: BTreeMap<String, (String, String)>) -> (Vec<RuleFile>, Doc) {
        let map = |i: usize| format!("{FOLDER}/prometheus-{}-rulefiles-{i}", self.prometheus.meta.name);
        let (mut number, mut size) = (0, 0);
        let mut files = Vec::with_capacity(texts.len());
        for (name, (key, text)) in texts {
            if size + text.len() > CONFIG_MAP {
                number += 1;
                size = 0;
            }
            size += text.len();
            files.push(RuleFile { key, path: format!("{}/{name}", map(number)), text });
        }
        let mut maps: Vec<String> = (0..LEAST.max(number + 1)).map(map).collect();
        if number + 1 > LEAST {
            // As the operator lists them: by name.
            maps.sort();
        }
        (files, Doc::List(maps.into_iter().map(|m| Doc::Text(format!("{m}/*.yaml"))).collect()))
    }
}

/// The operator's name of an object's file.
pub(super) fn file_name(rule: &PrometheusRule) -> String {
    format!("{}-{}-{}.yaml", rule.meta.namespace, rule.meta.name, rule.meta.uid)
}

fn put(map: &mut Vec<(String, Doc)>, key: &str, value: Option<Doc>) {
    map.extend(value.map(|v| (key.to_owned(), v)));
}

/// A duration that is not empty.
fn given(text: Option<&String>) -> Option<Doc> {
    text.filter(|t| !t.is_empty()).map(|t| Doc::Text(t.clone()))
}

fn texts(map: &BTreeMap<String, String>) -> Option<Doc> {
    let entries = map.iter().map(|(k, v)| (k.clone(), Doc::Text(v.clone())));
    (!map.is_empty()).then(|| Doc::Map(entries.collect()))
}

fn expr(e: &IntOrString) -> Doc {
    match e {
        IntOrString::Int(n) => Doc::Raw(n.to_string()),
        IntOrString::Text(t) => Doc::Text(t.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::Objects;
    use serde_json::{Value, json};

    /// What becomes of one rule under a `spec` of Prometheus.
    fn written(spec: &Value, groups: &Value) -> Result<String, Refused> {
        let mut objects = Objects::default();
        let meta = json!({"namespace": "m", "name": "k8s"});
        objects.insert(&json!({"kind": "Prometheus", "metadata": meta, "spec": spec})).unwrap();
        let meta = json!({"namespace": "apps", "name": "r", "uid": "u"});
        objects
            .insert(&json!({"kind": "PrometheusRule", "metadata": meta, "spec": {"groups": groups}}))
            .unwrap();
        let prometheus = objects.prometheuses.values().next().unwrap();
        let version = Version::parse(match prometheus.spec.version.as_str() {
            "" => "3.13.2",
            v => v,
        });
        RuleWriter::new(prometheus, &version.unwrap()).write(objects.rules.values().next().unwrap())
    }

    fn one_rule(rule: &Value) -> Value {
        json!([{"name": "g", "interval": "30s", "partial_response_strategy": "warn", "limit": 5, "labels": {"a": "b"}, "query_offset": "1m", "rules": [rule]}])
    }

    #[test]
    fn a_file_as_the_operator_writes_it() {
        let alert = json!({"alert": "A", "expr": "up == 0", "for": "5m", "keep_firing_for": "1m", "labels": {"severity": "page"}, "annotations": {"summary": "{{ $labels.job }}"}});
        let text = "groups:\n- interval: 30s\n  labels:\n    a: b\n  limit: 5\n  name: g\n  query_offset: 1m\n  rules:\n  - alert: A\n    annotations:\n      summary: '{{ $labels.job }}'\n    expr: up == 0\n    for: 5m\n    keep_firing_for: 1m\n    labels:\n      severity: page\n";
        assert_eq!(written(&json!({}), &one_rule(&alert)).as_deref(), Ok(text));
        let old = written(&json!({"version": "v2.30.0"}), &one_rule(&alert)).unwrap();
        for key in ["limit", "query_offset", "    a: b", "keep_firing_for", "warn"] {
            assert!(!old.contains(key), "{old}");
        }
        let number = written(&json!({}), &one_rule(&json!({"record": "one", "expr": 1}))).unwrap();
        assert!(number.ends_with("  - expr: 1\n    record: one\n"), "{number}");
        assert_eq!(written(&json!({}), &json!([])).as_deref(), Ok("{}\n"));
    }

    #[test]
    fn the_namespace_is_enforced_in_labels_and_expressions() {
        let rules = one_rule(&json!({"record": "r", "expr": "sum(up)", "labels": {"ns": "x"}}));
        let enforced = |more: Value| {
            let mut spec = json!({"enforcedNamespaceLabel": "ns"});
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            written(&spec, &rules).unwrap()
        };
        let text = enforced(json!({}));
        assert!(text.contains("expr: sum(up{ns=\"apps\"})\n    labels:\n      ns: apps\n"), "{text}");
        for excluded in [
            json!({"excludedFromEnforcement": [{"namespace": "apps", "resource": "prometheusrules"}]}),
            json!({"prometheusRulesExcludedFromEnforce": [{"ruleNamespace": "apps", "ruleName": "r"}]}),
        ] {
            assert!(enforced(excluded).contains("expr: sum(up)\n    labels:\n      ns: x\n"));
        }
    }

    #[test]
    fn a_wrong_rule_is_named_with_its_place() {
        let e = written(&json!({}), &one_rule(&json!({"alert": "Bad", "expr": "sum(up"}))).unwrap_err();
        assert_eq!(e.words, "invalid rule");
        let details = e.details.unwrap();
        assert!(details.starts_with("apps/r:10:"), "{details}");
        assert!(details.contains("group \"g\", rule 1, \"Bad\": could not parse expression:"), "{details}");
        assert!(details.contains("^"), "{details}");
        let experimental = json!({"record": "r", "expr": "mad_over_time(x[5m])"});
        assert!(written(&json!({}), &one_rule(&experimental)).is_err());
        let features = json!({"enableFeatures": ["promql-experimental-functions"]});
        assert!(written(&features, &one_rule(&experimental)).is_ok());
        let template = json!({"alert": "A", "expr": "up", "annotations": {"x": "{{ $labels."}});
        assert!(written(&json!({}), &one_rule(&template)).is_err());
    }

    #[test]
    fn files_are_packed_into_config_maps() {
        let mut objects = Objects::default();
        objects
            .insert(&json!({"kind": "Prometheus", "metadata": {"namespace": "m", "name": "k8s"}}))
            .unwrap();
        let prometheus = objects.prometheuses.values().next().unwrap();
        let version = Version::parse("3.13.2").unwrap();
        let writer = RuleWriter::new(prometheus, &version);
        let text = |n: usize| (format!("ns/{n}"), "x".repeat(300_000));
        let texts: BTreeMap<_, _> = (0..4).map(|n| (format!("ns-{n}-u.yaml"), text(n))).collect();
        let (files, patterns) = writer.packed(texts);
        assert_eq!(files[1].path, "/etc/prometheus/rules/prometheus-k8s-rulefiles-1/ns-1-u.yaml");
        let Doc::List(patterns) = patterns else { panic!() };
        assert_eq!(patterns.len(), 4);
        let (files, patterns) = writer.packed(BTreeMap::new());
        assert!(files.is_empty());
        let first = Doc::Text("/etc/prometheus/rules/prometheus-k8s-rulefiles-0/*.yaml".into());
        assert!(matches!(patterns, Doc::List(l) if l.len() == 3 && l[0] == first));
    }
}
