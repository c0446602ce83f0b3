//! The job of a ScrapeConfig.

use super::Maker;
use super::doc::{Map, Value};
use super::global::{escaping, validation};
use super::http::{with_class_authorization, with_class_safe_tls};
use super::relabel::Chain;
use crate::crds::types::{KubernetesSd, ScrapeConfig, Tls};
use tortie_config::emit::Doc;

impl Maker<'_> {
    /// The name of the job and the job.
    pub(in crate::crds) fn scrape_config(&self, s: &ScrapeConfig) -> (String, Doc) {
        let (spec, ns) = (&s.spec, s.meta.namespace.as_str());
        let class = self.class(spec.scrape_class.as_deref());
        let name = format!("scrapeConfig/{ns}/{}", s.meta.name);
        let mut job = Map::new(self.version);
        job.put("job_name", &name);
        if spec.honor_timestamps.is_some() {
            self.honour_timestamps(&mut job, spec.honor_timestamps);
        }
        job.since("2.48.0", "track_timestamps_staleness", spec.track_timestamps_staleness);
        if let Some(labels) = spec.honor_labels {
            job.put("honor_labels", labels && !self.prometheus.spec.override_honor_labels);
        }
        job.maybe("metrics_path", spec.metrics_path.as_ref());
        if !spec.params.is_empty() {
            let mut params = Map::new(self.version);
            spec.params.iter().for_each(|(k, v)| params.put(k, v.as_slice()));
            job.put("params", params);
        }
        job.since("2.49.0", "enable_compression", spec.enable_compression);
        job.since("2.35.0", "enable_http2", spec.http.enable_http2);
        job.maybe("scrape_interval", spec.scrape_interval.as_ref());
        job.maybe("scrape_timeout", spec.scrape_timeout.as_ref());
        self.protocols(&mut job, &spec.scrape_protocols);
        let fallback = spec.fallback_scrape_protocol.as_ref().or(class.fallback_scrape_protocol.as_ref());
        job.since("3.0.0", "fallback_scrape_protocol", fallback);
        job.maybe("scheme", spec.scheme.as_ref().map(|s| s.to_lowercase()));
        let http = &spec.http;
        self.proxy(&mut job, ns, &http.proxy);
        self.basic_auth(&mut job, ns, http.basic_auth.as_ref());
        let authorization = with_class_authorization(http.authorization.as_ref(), class);
        self.authorization(&mut job, ns, authorization.as_ref());
        self.oauth2(&mut job, ns, http.oauth2.as_ref());
        self.tls(&mut job, ns, with_class_safe_tls(http.tls_config.as_ref(), class).as_ref());
        self.job_limits(&mut job, &spec.limits);
        self.histograms(&mut job, &spec.histograms);
        self.body_size(&mut job, spec.body_size_limit.as_ref());
        self.discoveries(&mut job, s);
        let mut c = Chain::new(self);
        c.users(&class.relabelings);
        if let Some(job) = &spec.job_name {
            c.any(&[("target_label", "job"), ("action", "replace"), ("replacement", job)], &[]);
        }
        // The enforced label too comes only with rules of the user: the operator has it so.
        if !spec.relabelings.is_empty() {
            c.users(&self.enforced("ScrapeConfig", &s.meta, &spec.relabelings));
        }
        if self.shards() != 1 {
            c.shards_if_missing("__address__");
        }
        job.put("relabel_configs", c.end());
        let own = self.enforced("ScrapeConfig", &s.meta, &spec.metric_relabelings);
        self.sample_rules(&mut job, &class.metric_relabelings, &own);
        validation(&mut job, spec.name_validation_scheme.as_deref());
        escaping(&mut job, spec.name_escaping_scheme.as_deref());
        (name, job.doc())
    }

    fn discoveries(&self, job: &mut Map<'_>, s: &ScrapeConfig) {
        let (spec, ns) = (&s.spec, s.meta.namespace.as_str());
        let mut section = |name: &str, list: Vec<Doc>| {
            if !list.is_empty() {
                job.put(name, list);
            }
        };
        let statics = spec.static_configs.iter().map(|c| {
            let mut m = Map::new(self.version);
            m.put("targets", c.targets.as_slice());
            let mut labels = Map::new(self.version);
            c.labels.iter().for_each(|(k, v)| labels.put(k, v));
            m.put("labels", labels);
            m.doc()
        });
        section("static_configs", statics.collect());
        let files = spec.file_sd_configs.iter().map(|c| {
            let mut m = Map::new(self.version);
            m.put("files", c.files.as_slice());
            m.maybe("refresh_interval", c.refresh_interval.as_ref());
            m.doc()
        });
        section("file_sd_configs", files.collect());
        let http = spec.http_sd_configs.iter().map(|c| {
            let mut m = Map::new(self.version);
            self.basic_auth(&mut m, ns, c.http.basic_auth.as_ref());
            self.authorization(&mut m, ns, c.http.authorization.as_ref());
            self.tls(&mut m, ns, c.http.tls_config.as_ref().map(Tls::without_files).as_ref());
            self.proxy(&mut m, ns, &c.http.proxy);
            self.oauth2(&mut m, ns, c.http.oauth2.as_ref());
            m.put("url", &c.url);
            m.maybe("refresh_interval", c.refresh_interval.as_ref());
            m.maybe("follow_redirects", c.http.follow_redirects);
            m.maybe("enable_http2", c.http.enable_http2);
            m.doc()
        });
        section("http_sd_configs", http.collect());
        let kubernetes = spec.kubernetes_sd_configs.iter().map(|c| self.own_kubernetes_sd(ns, c));
        section("kubernetes_sd_configs", kubernetes.collect());
        let dns = spec.dns_sd_configs.iter().map(|c| {
            let mut m = Map::new(self.version);
            m.put("names", c.names.as_slice());
            m.maybe("refresh_interval", c.refresh_interval.as_ref());
            let minimum = match c.kind.as_deref() {
                Some("NS") => "2.49.0",
                Some("MX") => "2.38.0",
                _ => "0.0.0",
            };
            m.since(minimum, "type", c.kind.as_ref());
            m.maybe("port", c.port);
            m.doc()
        });
        section("dns_sd_configs", dns.collect());
    }

    fn own_kubernetes_sd(&self, ns: &str, c: &KubernetesSd) -> Doc {
        let mut m = Map::new(self.version);
        m.maybe("api_server", c.api_server.as_ref());
        let role = c.role.to_lowercase();
        m.since(if role == "endpointslice" { "2.21.0" } else { "0.0.0" }, "role", Some(&role));
        self.basic_auth(&mut m, ns, c.http.basic_auth.as_ref());
        self.authorization(&mut m, ns, c.http.authorization.as_ref());
        self.oauth2(&mut m, ns, c.http.oauth2.as_ref());
        self.proxy(&mut m, ns, &c.http.proxy);
        m.maybe("follow_redirects", c.http.follow_redirects);
        m.maybe("enable_http2", c.http.enable_http2);
        self.tls(&mut m, ns, c.http.tls_config.as_ref().map(Tls::without_files).as_ref());
        if let Some(namespaces) = &c.namespaces {
            let mut n = Map::new(self.version);
            n.put("names", namespaces.names.as_slice());
            n.maybe("own_namespace", namespaces.own_namespace);
            m.put("namespaces", n);
        }
        if !c.selectors.is_empty() {
            let list = c.selectors.iter().map(|s| {
                let mut m = Map::new(self.version);
                m.put("role", s.role.to_lowercase());
                m.maybe("label", s.label.as_ref());
                m.maybe("field", s.field.as_ref());
                m.doc()
            });
            m.since("2.17.0", "selectors", Some(list.collect::<Vec<_>>()));
        }
        let attach_since = match role.as_str() {
            "pod" => "2.35.0",
            "endpoints" | "endpointslice" => "2.37.0",
            _ => return m.doc(),
        };
        if let Some(attach) = &c.attach_metadata {
            let mut node = Map::new(self.version);
            node.maybe("node", attach.node);
            m.since(attach_since, "attach_metadata", Some(node));
        }
        m.doc()
    }
}
