//! The job of one endpoint of a ServiceMonitor.

use super::Maker;
use super::discovery::{Lookup, attach};
use super::doc::{Map, Value};
use super::http::{with_class_authorization, with_class_tls};
use super::relabel::{Chain, sanitised};
use crate::crds::types::{Endpoint, IntOrString, MonitorCommon, ScrapeClass, ServiceMonitor};
use tortie_config::emit::Doc;

impl Maker<'_> {
    /// The name of the job, which is that of its pool.
    pub(in crate::crds) fn service_monitor(
        &self,
        m: &ServiceMonitor,
        i: usize,
        e: &Endpoint,
    ) -> (String, Doc) {
        let (common, ns) = (&m.spec.common, m.meta.namespace.as_str());
        let class = self.class(common.scrape_class.as_deref());
        let name = format!("serviceMonitor/{ns}/{}/{i}", m.meta.name);
        let by_slices = self.by_slices(m.spec.service_discovery_role.as_deref());
        let role = if by_slices { "endpointslice" } else { "endpoints" };
        let mut job = Map::new(self.version);
        job.put("job_name", &name);
        self.honour(&mut job, e.common.honor_labels, e.common.honor_timestamps);
        job.since("2.48.0", "track_timestamps_staleness", e.common.track_timestamps_staleness);
        let roles = [role, "service"];
        let lookup = Lookup {
            role,
            namespaces: &common.namespace_selector,
            attach: attach(common.attach_metadata.as_ref(), class),
            attach_since: "2.37.0",
            selectors: by_role(common).then_some((&roles, &common.selector)),
        };
        self.kubernetes_sd(&mut job, ns, &lookup);
        e.common.addressing(&mut job);
        let http = &e.common.http;
        job.since("2.26.0", "follow_redirects", http.follow_redirects);
        job.since("2.35.0", "enable_http2", http.enable_http2);
        self.proxy(&mut job, ns, &http.proxy);
        self.oauth2(&mut job, ns, http.oauth2.as_ref());
        self.tls(&mut job, ns, with_class_tls(http.tls_config.as_ref(), class).as_ref());
        job.filled("bearer_token_file", &e.bearer_token_file);
        self.bearer_token(&mut job, ns, http.bearer_token_secret.as_ref().filter(|k| !k.name.is_empty()));
        self.basic_auth(&mut job, ns, http.basic_auth.as_ref());
        let authorization = with_class_authorization(http.authorization.as_ref(), class);
        self.authorization(&mut job, ns, authorization.as_ref());
        job.put("relabel_configs", self.service_rules(m, e, by_slices, class));
        self.monitor_limits(&mut job, common, class);
        let own = self.enforced("ServiceMonitor", &m.meta, &e.common.metric_relabelings);
        self.sample_rules(&mut job, &class.metric_relabelings, &own);
        (name, job.doc())
    }

    fn service_rules(
        &self,
        m: &ServiceMonitor,
        e: &Endpoint,
        by_slices: bool,
        class: &ScrapeClass,
    ) -> Vec<Doc> {
        let common = &m.spec.common;
        let part = if by_slices { "endpointslice" } else { "endpoint" };
        let mut c = Chain::new(self);
        if !by_role(common) {
            c.selector("__meta_kubernetes_service", &common.selector);
        }
        if !e.port.is_empty() {
            c.filter("keep", &[&format!("__meta_kubernetes_{part}_port_name")], &e.port);
        } else if let Some(port) = &e.target_port {
            c.container_port(port);
        }
        let kind = format!("__meta_kubernetes_{part}_address_target_kind");
        let object = format!("__meta_kubernetes_{part}_address_target_name");
        for (regex, target) in [("Node;(.*)", "node"), ("Pod;(.*)", "pod")] {
            let fields =
                [("separator", ";"), ("regex", regex), ("replacement", "${1}"), ("target_label", target)];
            c.any(&fields, &[&kind, &object]);
        }
        c.copy("__meta_kubernetes_namespace", "namespace");
        c.copy("__meta_kubernetes_service_name", "service");
        c.copy("__meta_kubernetes_pod_name", "pod");
        c.copy("__meta_kubernetes_pod_container_name", "container");
        if e.common.filter_running.unwrap_or(true) {
            c.running();
        }
        for label in &m.spec.target_labels {
            let label = sanitised(label);
            c.copy_filled(&format!("__meta_kubernetes_service_label_{label}"), &label);
        }
        c.pod_labels(common, &self.prometheus.spec.pod_target_labels);
        c.job_from("__meta_kubernetes_service_name");
        if !m.spec.job_label.is_empty() {
            let label = format!("__meta_kubernetes_service_label_{}", sanitised(&m.spec.job_label));
            c.copy_filled(&label, "job");
        }
        let target_port = e.target_port.as_ref().map(ToString::to_string).unwrap_or_default();
        match (e.port.as_str(), target_port.as_str()) {
            ("", "") => {}
            ("", port) | (port, _) => c.set("endpoint", port),
        }
        c.users(&class.relabelings);
        c.users(&self.enforced("ServiceMonitor", &m.meta, &e.common.relabelings));
        c.shards("__address__");
        c.end()
    }

    /// `honor_labels` and `honor_timestamps`, unless the Prometheus object overrides them.
    pub(super) fn honour(&self, job: &mut Map<'_>, labels: bool, timestamps: Option<bool>) {
        let spec = &self.prometheus.spec;
        job.put("honor_labels", labels && !spec.override_honor_labels);
        self.honour_timestamps(job, timestamps);
    }

    pub(super) fn honour_timestamps(&self, job: &mut Map<'_>, timestamps: Option<bool>) {
        let overridden = self.prometheus.spec.override_honor_timestamps;
        if timestamps.is_some() || overridden {
            let value = timestamps.unwrap_or(false) && !overridden;
            job.since("2.9.0", "honor_timestamps", Some(value));
        }
    }

    /// Limits, histograms and formats of a monitor.
    pub(super) fn monitor_limits(&self, job: &mut Map<'_>, m: &MonitorCommon, class: &ScrapeClass) {
        self.job_limits(job, &m.limits);
        self.histograms(job, &m.histograms);
        self.protocols(job, &m.scrape_protocols);
        let fallback = m.fallback_scrape_protocol.as_ref().or(class.fallback_scrape_protocol.as_ref());
        job.since("3.0.0", "fallback_scrape_protocol", fallback);
        self.body_size(job, m.body_size_limit.as_ref());
    }

    /// Formats to ask for, without those that the version does not know.
    pub(super) fn protocols(&self, out: &mut Map<'_>, protocols: &[String]) {
        if protocols.is_empty() {
            return;
        }
        let known = |p: &&String| *p != "PrometheusText1.0.0" || self.version.since("3.0.0-rc.0");
        let list: Vec<&str> = protocols.iter().filter(known).map(String::as_str).collect();
        out.since("2.49.0", "scrape_protocols", Some(list.as_slice()));
    }
}

/// Whether the API server selects, and no rule does.
pub(super) fn by_role(m: &MonitorCommon) -> bool {
    m.selector_mechanism.as_deref().is_some_and(|s| s != "RelabelConfig")
}

impl Chain<'_> {
    /// Keeps a container's port by name or number.
    pub(super) fn container_port(&mut self, port: &IntOrString) {
        match port {
            IntOrString::Text(name) if !name.is_empty() => {
                self.filter("keep", &["__meta_kubernetes_pod_container_port_name"], name)
            }
            IntOrString::Int(number) if *number != 0 => {
                self.filter("keep", &["__meta_kubernetes_pod_container_port_number"], *number)
            }
            _ => {}
        }
    }

    /// Labels of pods that go onto targets: the monitor's, then those of all.
    pub(super) fn pod_labels(&mut self, m: &MonitorCommon, all: &[String]) {
        for label in m.pod_target_labels.iter().chain(all) {
            let label = sanitised(label);
            self.copy_filled(&format!("__meta_kubernetes_pod_label_{label}"), &label);
        }
    }
}

impl crate::crds::types::EndpointCommon {
    /// When and where: interval, path, parameters, scheme.
    pub(super) fn addressing(&self, job: &mut Map<'_>) {
        job.filled("scrape_interval", &self.interval);
        job.filled("scrape_timeout", &self.scrape_timeout);
        job.filled("metrics_path", &self.path);
        if let Some(params) = &self.params {
            let mut m = Map::new(job.version());
            params.iter().for_each(|(k, v)| m.put(k, v.as_slice()));
            job.put("params", m);
        }
        job.maybe("scheme", self.scheme.as_ref().map(|s| s.to_lowercase()));
    }
}
