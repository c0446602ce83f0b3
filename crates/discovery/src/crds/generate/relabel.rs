//! Relabelling rules: those that every job begins with, those of the user, and those that share targets among shards.

use super::doc::{Map, Value};
use super::{Maker, Sharing};
use crate::crds::types::{LabelSelector, Meta, Relabel};
use tortie_config::emit::Doc;

/// A label's name as Prometheus writes it: what is no letter, digit or `_` becomes `_`.
pub(in crate::crds) fn sanitised(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// A list of rules that is being written.
pub(super) struct Chain<'a> {
    maker: &'a Maker<'a>,
    rules: Vec<Doc>,
}

impl<'a> Chain<'a> {
    /// Begins as each job does.
    pub(super) fn new(maker: &'a Maker<'a>) -> Chain<'a> {
        let mut out = Chain { maker, rules: Vec::new() };
        out.copy("job", "__tmp_prometheus_job_name");
        out
    }

    /// Goes on after rules that are there.
    pub(super) fn after(maker: &'a Maker<'a>, rules: Vec<Doc>) -> Chain<'a> {
        Chain { maker, rules }
    }

    /// The rules with those that share targets by a label.
    pub(super) fn shared(mut self, label: &str) -> Vec<Doc> {
        self.shards_if_missing(label);
        self.rules
    }

    fn rule(&mut self, write: impl FnOnce(&mut Map<'_>)) {
        let mut m = Map::new(self.maker.version);
        write(&mut m);
        self.rules.push(m.doc());
    }

    /// Keeps or drops by a regular expression over the joined labels.
    pub(super) fn filter(&mut self, action: &str, sources: &[&str], regex: impl Value) {
        self.rule(|m| {
            m.put("action", action);
            m.put("source_labels", sources);
            m.put("regex", regex);
        });
    }

    /// Copies a label.
    pub(super) fn copy(&mut self, source: &str, target: &str) {
        self.rule(|m| {
            m.put("source_labels", [source].as_slice());
            m.put("target_label", target);
        });
    }

    /// Copies a label that is not empty.
    pub(super) fn copy_filled(&mut self, source: &str, target: &str) {
        self.rule(|m| {
            m.put("source_labels", [source].as_slice());
            m.put("target_label", target);
            m.put("regex", "(.+)");
            m.put("replacement", "${1}");
        });
    }

    /// Sets a label.
    pub(super) fn set(&mut self, target: &str, value: &str) {
        self.rule(|m| {
            m.put("target_label", target);
            m.put("replacement", value);
        });
    }

    /// Any rule.
    pub(super) fn any(&mut self, fields: &[(&str, &str)], sources: &[&str]) {
        self.rule(|m| {
            if !sources.is_empty() {
                m.put("source_labels", sources);
            }
            fields.iter().for_each(|(k, v)| m.put(k, *v));
        });
    }

    /// A rule with the replacement that Prometheus' service label needs.
    pub(super) fn job_from(&mut self, source: &str) {
        self.rule(|m| {
            m.put("source_labels", [source].as_slice());
            m.put("target_label", "job");
            m.put("replacement", "${1}");
        });
    }

    /// Keeps what a label selector selects. `prefix` is that of the labels, such as `__meta_kubernetes_pod`.
    pub(super) fn selector(&mut self, prefix: &str, selector: &LabelSelector) {
        let names = |key: &str| {
            let key = sanitised(key);
            (format!("{prefix}_label_{key}"), format!("{prefix}_labelpresent_{key}"))
        };
        for (key, value) in &selector.match_labels {
            let (label, present) = names(key);
            self.filter("keep", &[&label, &present], format!("({value});true"));
        }
        for e in &selector.match_expressions {
            let (label, present) = names(&e.key);
            let values = || format!("({});true", e.values.join("|"));
            match e.operator.as_str() {
                "In" => self.filter("keep", &[&label, &present], values()),
                "NotIn" => self.filter("drop", &[&label, &present], values()),
                "Exists" => self.filter("keep", &[&present], "true"),
                "DoesNotExist" => self.filter("drop", &[&present], "true"),
                _ => {}
            }
        }
    }

    /// Leaves out pods that ended.
    pub(super) fn running(&mut self) {
        self.filter("drop", &["__meta_kubernetes_pod_phase"], "(Failed|Succeeded)");
    }

    /// Rules as the user wrote them.
    pub(super) fn users(&mut self, rules: &[Relabel]) {
        self.rules.extend(rules.iter().map(|r| self.maker.users_rule(r)));
    }

    /// Shares targets among shards by a label.
    pub(super) fn shards(&mut self, label: &str) {
        if self.maker.sharing == Sharing::None {
            return;
        }
        let shards = self.maker.shards();
        self.any(
            &[("target_label", "__tmp_current_shard"), ("replacement", "$(SHARD)"), ("action", "replace")],
            &[],
        );
        let all = (0..shards).map(|i| i.to_string()).collect::<Vec<_>>().join("|");
        self.any(&[("regex", &all), ("action", "keep")], &["__tmp_current_shard"]);
        let mut modulus = shards;
        let mut own = "$(SHARD)";
        if let Some(zones) = self.maker.zones() {
            modulus = (shards / zones.len().max(1) as i64).max(1);
            own = "$(INZONE_SHARD)";
            self.any(
                &[
                    ("target_label", "__tmp_topology"),
                    ("regex", "(.+);"),
                    ("replacement", "$1"),
                    ("action", "replace"),
                ],
                &["__meta_kubernetes_endpointslice_endpoint_zone", "__tmp_topology"],
            );
            self.any(
                &[
                    ("target_label", "__tmp_topology"),
                    ("regex", "(.+);true;"),
                    ("replacement", "$1"),
                    ("action", "replace"),
                ],
                &[
                    "__meta_kubernetes_pod_label_topology_kubernetes_io_zone",
                    "__meta_kubernetes_pod_labelpresent_topology_kubernetes_io_zone",
                    "__tmp_topology",
                ],
            );
            self.any(
                &[("regex", "$(TOPOLOGY_ZONE);|.+;.+"), ("action", "keep")],
                &["__tmp_topology", "__tmp_disable_sharding"],
            );
        }
        self.any(
            &[
                ("target_label", "__tmp_hash"),
                ("regex", "(.+);"),
                ("replacement", "$1"),
                ("action", "replace"),
            ],
            &[label, "__tmp_hash"],
        );
        self.rule(|m| {
            m.put("source_labels", ["__tmp_hash"].as_slice());
            m.put("target_label", "__tmp_hash");
            m.put("modulus", modulus);
            m.put("action", "hashmod");
        });
        self.any(
            &[("regex", &format!("{own};|.+;.+")), ("action", "keep")],
            &["__tmp_hash", "__tmp_disable_sharding"],
        );
    }

    /// As [`Chain::shards`], unless a rule shares already.
    pub(super) fn shards_if_missing(&mut self, label: &str) {
        let shares = |rule: &Doc| matches!(rule, Doc::Map(m) if m.iter().any(|(k, v)| k == "action" && matches!(v, Doc::Text(t) | Doc::Raw(t) if t == "hashmod")));
        if !self.rules.iter().any(shares) {
            self.shards(label);
        }
    }

    pub(super) fn end(self) -> Vec<Doc> {
        self.rules
    }
}

impl Maker<'_> {
    /// The user's rules, and last the one that puts the namespace's name where it is enforced.
    pub(super) fn enforced(&self, kind: &str, meta: &Meta, rules: &[Relabel]) -> Vec<Relabel> {
        let mut out = rules.to_vec();
        if !self.excluded(kind, meta) {
            out.push(Relabel {
                target_label: self.prometheus.spec.enforced_namespace_label.clone(),
                replacement: Some(meta.namespace.clone()),
                ..Relabel::default()
            });
        }
        out
    }

    /// Whether nothing is enforced on an object.
    pub(super) fn excluded(&self, kind: &str, meta: &Meta) -> bool {
        let spec = &self.prometheus.spec;
        spec.enforced_namespace_label.is_empty()
            || spec.excluded_from_enforcement.iter().any(|r| r.names(plural(kind), meta))
    }

    /// Rules for samples: the class', the user's, the enforced one.
    pub(super) fn sample_rules(&self, out: &mut Map<'_>, class: &[Relabel], own: &[Relabel]) {
        let rules: Vec<Doc> = class.iter().chain(own).map(|r| self.users_rule(r)).collect();
        if !rules.is_empty() {
            out.put("metric_relabel_configs", rules);
        }
    }

    pub(super) fn users_rule(&self, r: &Relabel) -> Doc {
        let mut m = Map::new(self.version);
        if !r.source_labels.is_empty() {
            m.put("source_labels", r.source_labels.as_slice());
        }
        m.maybe("separator", r.separator.as_ref());
        m.filled("target_label", &r.target_label);
        m.filled("regex", &r.regex);
        if r.modulus != 0 {
            m.put("modulus", r.modulus);
        }
        m.maybe("replacement", r.replacement.as_ref());
        m.filled("action", &r.action.to_lowercase());
        m.doc()
    }
}

fn plural(kind: &str) -> &'static str {
    match kind {
        "ServiceMonitor" => "servicemonitors",
        "PodMonitor" => "podmonitors",
        "Probe" => "probes",
        "ScrapeConfig" => "scrapeconfigs",
        _ => "prometheusrules",
    }
}
