//! Section `global`, and the small sections beside it.

use super::Maker;
use super::doc::{Map, Value};
use crate::crds::bytes;
use std::collections::BTreeMap;
use tortie_config::emit::Doc;

impl Maker<'_> {
    pub(in crate::crds) fn global(&self) -> Doc {
        let spec = &self.prometheus.spec;
        let mut m = Map::new(self.version);
        m.put("scrape_interval", &spec.scrape_interval);
        m.filled("scrape_timeout", &spec.scrape_timeout);
        self.protocols(&mut m, &spec.scrape_protocols);
        let mut labels = Map::new(self.version);
        self.external_labels().iter().for_each(|(k, v)| labels.put(k, v));
        m.put("external_labels", labels);
        self.global_limits(&mut m);
        m.since("2.55.0", "scrape_failure_log_file", spec.scrape_failure_log_file.as_deref().map(log_file));
        validation(&mut m, spec.name_validation_scheme.as_deref());
        escaping(&mut m, spec.name_escaping_scheme.as_deref());
        m.since("3.4.0", "convert_classic_histograms_to_nhcb", spec.convert_classic_histograms_to_nhcb);
        m.since("3.5.0", "always_scrape_classic_histograms", spec.scrape_classic_histograms);
        m.since("3.8.0", "scrape_native_histograms", spec.scrape_native_histograms);
        m.put("evaluation_interval", &spec.evaluation_interval);
        m.since("2.53.0", "rule_query_offset", spec.rule_query_offset.as_ref());
        let queries = Some(&spec.query_log_file).filter(|f| !f.is_empty());
        m.since("2.16.0", "query_log_file", queries.map(|f| log_file(f)));
        m.doc()
    }

    fn external_labels(&self) -> BTreeMap<String, String> {
        let (spec, meta) = (&self.prometheus.spec, &self.prometheus.meta);
        let named = |own: &Option<String>, default: &str| own.clone().unwrap_or_else(|| default.to_owned());
        let mut out = BTreeMap::new();
        out.insert(named(&spec.prometheus_external_label_name, "prometheus"), meta.key());
        out.insert(self.replica_label(), "$(POD_NAME)".to_owned());
        if let Some(topology) = spec
            .sharding_strategy
            .as_ref()
            .filter(|s| s.mode.as_deref() == Some("Topology"))
            .and_then(|s| s.topology.as_ref())
        {
            out.insert(named(&topology.external_label_name, "zone"), "$(TOPOLOGY_ZONE)".to_owned());
        }
        // An empty name switches the label off.
        out.remove("");
        for (k, v) in &spec.external_labels {
            out.entry(k.clone()).or_insert_with(|| v.clone());
        }
        out
    }

    pub(super) fn replica_label(&self) -> String {
        let own = self.prometheus.spec.replica_external_label_name.clone();
        own.unwrap_or_else(|| "prometheus_replica".to_owned())
    }

    pub(in crate::crds) fn runtime(&self) -> Option<Doc> {
        let runtime = self.prometheus.spec.runtime.as_ref().filter(|_| self.version.since("2.53.0"))?;
        let mut m = Map::new(self.version);
        m.maybe("gogc", runtime.go_gc);
        // Without a key the operator's library writes an empty list.
        Some(if m.is_empty() { Doc::Map(Vec::new()) } else { m.doc() })
    }

    pub(in crate::crds) fn storage(&self) -> Option<Doc> {
        let spec = &self.prometheus.spec;
        let mut storage = Map::new(self.version);
        if let Some(size) = spec.exemplars.as_ref().and_then(|e| e.max_size) {
            let mut m = Map::new(self.version);
            m.put("max_exemplars", size);
            storage.since("2.29.0", "exemplars", Some(m));
        }
        let mut tsdb = Map::new(self.version);
        if let Some(t) = &spec.tsdb {
            tsdb.since("2.39.0", "out_of_order_time_window", t.out_of_order_time_window.as_ref());
            let threshold = t.stale_series_compaction_threshold.as_ref().map(bytes::quantity);
            tsdb.since("3.10.0", "stale_series_compaction_threshold", threshold);
            let floats = t.chunk_encoding.as_ref().and_then(|c| c.get("floats")).and_then(|f| f.as_str());
            let encoding = floats.map(|f| {
                let mut m = Map::new(self.version);
                m.put("floats", f.to_lowercase());
                m
            });
            tsdb.since("3.13.0", "chunk_encoding", encoding);
        }
        if self.version.since("3.11.0") {
            let mut m = Map::new(self.version);
            let unset = spec.retention.is_empty() && spec.retention_size.is_empty();
            m.filled("time", if unset { "24h" } else { &spec.retention });
            m.filled("size", &spec.retention_size);
            tsdb.put("retention", m);
        }
        if !tsdb.is_empty() {
            storage.put("tsdb", tsdb);
        }
        (!storage.is_empty() && self.version.since("2.29.0")).then(|| storage.doc())
    }

    /// Scrape classes that contradict themselves fail the whole object.
    pub(in crate::crds) fn check_classes(&self) -> Result<(), String> {
        use crate::crds::accept;
        let mut default: Option<&str> = None;
        for class in &self.prometheus.spec.scrape_classes {
            let fail = |what: &str, e: String| format!("invalid {what} for scrapeClass {}: {e}", class.name);
            accept::check_rules(&class.relabelings, self.version).map_err(|e| fail("relabelings", e))?;
            accept::check_rules(&class.metric_relabelings, self.version)
                .map_err(|e| fail("metric relabelings", e))?;
            if let Some(tls) = &class.tls_config {
                accept::check_tls(tls, true).map_err(|e| fail("TLS config", e))?;
            }
            if let Some(a) = &class.authorization {
                accept::check_authorization(a).map_err(|e| fail("authorization", e))?;
            }
            if class.default == Some(true) && default.replace(&class.name).is_some() {
                return Err("multiple default scrape classes defined".to_owned());
            }
        }
        Ok(())
    }
}

/// Files without a folder go where the operator mounts a volume for them.
fn log_file(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("/var/log/prometheus/{name}") }
}

pub(super) fn validation(m: &mut Map<'_>, scheme: Option<&str>) {
    m.since("3.0.0", "metric_name_validation_scheme", scheme.map(str::to_lowercase));
}

pub(super) fn escaping(m: &mut Map<'_>, scheme: Option<&str>) {
    let name = scheme.and_then(|s| match s {
        "AllowUTF8" => Some("allow-utf-8"),
        "Underscores" => Some("underscores"),
        "Dots" => Some("dots"),
        "Values" => Some("values"),
        _ => None,
    });
    m.since("3.4.0", "metric_name_escaping_scheme", name);
}
